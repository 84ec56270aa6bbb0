//! Phone numbers in E.164, normalised to one form per number.

use phonenumber::Mode;
use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::fold::{fold_digits, is_mark};

/// A dialable phone number in its one normalised form: `+` and digits. Never written to the
/// database in plain text (ACC-5).
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

/// Why a text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// It is not written like one.
    #[error("a phone number is + and its digits, such as +994501234567")]
    Malformed,
    /// It is written like one, but its country issues no such numbers.
    #[error("no phone has this number: a digit is missing, too many or wrong")]
    Impossible,
}

impl Phone {
    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does it belong to one of these countries? Each is a country code without `+`, such as `994`.
    #[must_use]
    pub fn is_of(&self, countries: &[String]) -> bool {
        let number = phonenumber::parse(None, &self.0);
        number.is_ok_and(|number| countries.contains(&number.country().code().to_string()))
    }

    /// Country and operator, for which the budget of one-time codes is kept.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.0.chars().take(PREFIX_CHARS).collect()
    }
}

/// `+`, the country and the operator: `+99450`.
const PREFIX_CHARS: usize = 6;

/// Normalises what was typed (ACC-1): spaces, marks, hyphens, dots, slashes and brackets are
/// removed, digits of every script become ASCII, and the national trunk zero is dropped.
impl std::str::FromStr for Phone {
    type Err = NotAPhone;
    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        let shown: String = text.nfkc().filter(|c| !is_mark(*c)).collect();
        let kept = fold_digits(&shown).replace(['(', ')', '.', '/'], "");
        let digits = kept.strip_prefix('+').ok_or(NotAPhone::Malformed)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAPhone::Malformed);
        }
        let number = phonenumber::parse(None, &kept).map_err(|_| NotAPhone::Impossible)?;
        if !number.is_valid() {
            return Err(NotAPhone::Impossible);
        }
        Ok(Self(number.format().mode(Mode::E164).to_string()))
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(…)")
    }
}

impl utoipa::PartialSchema for Phone {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for Phone {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NotAPhone> {
        text.parse::<Phone>().map(|phone| phone.as_str().to_owned())
    }

    /// ACC-1, LIM-10: every way to type a valid number identifies the same person.
    #[test]
    fn acc_1_a_number_is_one_person_however_it_is_typed() {
        for text in [
            "+994501234567",
            "+9940501234567",
            "+994 (0)50 123-45-67",
            "+994 50 123 45 67",
            "+994\u{a0}50\u{202f}123\u{2011}45\u{2013}67",
            "\u{202a}+994501234567\u{202c}",
            "\u{202b}+994501234567\u{202c}",
            "\u{2068}+994501234567\u{2069}",
            "\u{feff}+994501234567",
            "\u{200e}+994501234567\u{200f}",
            "+99450\u{200b}1234567",
            "＋994501234567",
            "＋９９４５０１２３４５６７",
            "+٩٩٤٥٠١٢٣٤٥٦٧",
            "+۹۹۴۵۰۱۲۳۴۵۶۷",
            "+994.50.123.45.67",
        ] {
            assert_eq!(read(text), Ok("+994501234567".to_owned()), "{text:?}");
        }
    }

    /// ACC-1: an impossible number is refused and never taken for another person's.
    #[test]
    fn acc_1_a_number_no_phone_has_is_nobody() {
        for text in [
            "+994051234567",
            "+99450123456",
            "+9945012345678",
            "+994000000000",
            "+994",
            "+000501234567",
            "+12345",
        ] {
            assert_eq!(read(text), Err(NotAPhone::Impossible), "{text}");
        }
        for text in ["", "+", "0501234567", "994501234567", "+99450123456a", "+994+501234567"] {
            assert_eq!(read(text), Err(NotAPhone::Malformed), "{text}");
        }
    }

    /// LIM-10: a number belongs to the country of its country code.
    #[test]
    fn lim_10_a_number_is_of_its_country() {
        let azerbaijan = ["994".to_owned()];
        let of = |text: &str| text.parse::<Phone>().unwrap().is_of(&azerbaijan);
        assert!(of("+994501234567") && !of("+79161234567") && !of("+905321234567"));
        assert_eq!("+994501234567".parse::<Phone>().unwrap().prefix(), "+99450");
    }
}
