//! A partner's bank account or card, and its tax number: what of them makes sense. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a holder's name.
const NAME_MAX: usize = 100;
/// Characters of an IBAN of Azerbaijan.
const IBAN_CHARS: usize = 28;
/// Digits of a bank's code.
const BANK_CODE_DIGITS: usize = 6;
/// Digits of a card.
const CARD_DIGITS: usize = 16;
/// Characters of a FIN.
const FIN_CHARS: usize = 7;
/// Digits of a VÖEN.
const VOEN_DIGITS: usize = 10;

/// Where a partner is paid: a bank account (IBAN and the bank's code) or a card (its number and its
/// holder's FIN).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whose it is.
    pub name: String,
    /// The bank account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iban: Option<String>,
    /// The bank's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_code: Option<String>,
    /// The card's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// The personal number of the card's holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fin: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(…)")
    }
}

impl Account {
    /// Can it be paid to?
    #[must_use]
    pub fn sensible(&self) -> bool {
        let named = (1..=NAME_MAX).contains(&self.name.trim().chars().count());
        let iban = |iban: &String| {
            let plain = iban.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            iban.len() == IBAN_CHARS && iban.starts_with("AZ") && plain && mod_97(iban)
        };
        let fin =
            |fin: &String| fin.len() == FIN_CHARS && fin.bytes().all(|b| b.is_ascii_alphanumeric());
        let bank = self.iban.as_ref().is_some_and(iban)
            && self.bank_code.as_ref().is_some_and(|code| digits(code, BANK_CODE_DIGITS));
        let right = |card: &String| digits(card, CARD_DIGITS) && luhn(card);
        let card = self.card.as_ref().is_some_and(right) && self.fin.as_ref().is_some_and(fin);
        let no_bank = self.iban.is_none() && self.bank_code.is_none();
        let no_card = self.card.is_none() && self.fin.is_none();
        named && ((bank && no_card) || (card && no_bank))
    }

    /// Its end, for whoever knows the rest.
    #[must_use]
    pub fn hint(&self) -> String {
        let number = self.iban.as_ref().or(self.card.as_ref()).map_or("", String::as_str);
        let end: Vec<char> = number.chars().rev().take(4).collect();
        format!("…{}", end.into_iter().rev().collect::<String>())
    }
}

/// The checksum of an IBAN: the country and the check digits go to the end, letters count from 10,
/// and 97 divides it with a rest of 1.
///
/// # Source
/// ISO 13616, ISO 7064; LIM-11.
fn mod_97(iban: &str) -> bool {
    let Some((head, rest)) = iban.split_at_checked(4) else { return false };
    let mut digits = rest.chars().chain(head.chars()).map(|c| c.to_digit(36));
    let rest = digits.try_fold(0_u32, |rest, digit| {
        let digit = digit?;
        Some((rest * if digit > 9 { 100 } else { 10 } + digit) % 97)
    });
    rest == Some(1)
}

/// The checksum of a card's number.
///
/// # Source
/// ISO/IEC 7812; LIM-11.
fn luhn(card: &str) -> bool {
    let sum: Option<u32> = card
        .chars()
        .rev()
        .enumerate()
        .map(|(place, c)| {
            let digit = c.to_digit(10)?;
            let doubled = if place % 2 == 1 { digit * 2 } else { digit };
            Some(if doubled > 9 { doubled - 9 } else { doubled })
        })
        .sum();
    sum.is_some_and(|sum| sum % 10 == 0)
}

/// Is it the form of a VÖEN?
#[must_use]
pub fn voen(text: &str) -> bool {
    digits(text, VOEN_DIGITS)
}

fn digits(text: &str, n: usize) -> bool {
    text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BON-5, LIM-11: an account is a bank's or a card's, whole and not both, and its checksum is
    /// right.
    #[test]
    fn bon_5_what_can_be_paid_to() {
        let text = |text: &str| Some(text.to_owned());
        let bank = Account {
            name: "Kristal LLC".to_owned(),
            iban: text("AZ21NABZ00000000137010001944"),
            bank_code: text("505141"),
            card: None,
            fin: None,
        };
        let card = Account {
            card: text("4169738812345670"),
            fin: text("5ABC123"),
            iban: None,
            bank_code: None,
            ..bank.clone()
        };
        assert!(bank.sensible() && card.sensible());
        assert_eq!((bank.hint().as_str(), card.hint().as_str()), ("…1944", "…5670"));
        assert!(!Account { fin: text("5ABC123"), ..bank.clone() }.sensible());
        assert!(!Account { iban: text("GB29ABCD38053"), ..bank.clone() }.sensible());
        assert!(!Account { bank_code: None, ..bank.clone() }.sensible());
        assert!(!Account { card: text("4169"), ..card.clone() }.sensible());
        assert!(!Account { name: " ".to_owned(), ..bank.clone() }.sensible());
        // One digit off, and two digits swapped.
        let other = |iban: &str| Account { iban: text(iban), ..bank.clone() }.sensible();
        assert!(!other("AZ21NABZ00000000137010001945") && !other("AZ12NABZ00000000137010001944"));
        let other = |number: &str| Account { card: text(number), ..card.clone() }.sensible();
        assert!(!other("4169738812345671") && !other("4169738812345760"));
        assert!(voen("1234567891") && !voen("123456789") && !voen("12345678a1"));
    }
}
