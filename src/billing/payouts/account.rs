//! A partner's payout account (bank account or card) and tax number, with their format checks.
//! Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Maximum length of a holder's name, in characters.
const NAME_MAX: usize = 100;
/// Length of an Azerbaijani IBAN, in characters.
const IBAN_CHARS: usize = 28;
/// Length of a bank code, in digits.
const BANK_CODE_DIGITS: usize = 6;
/// Length of a card number, in digits.
const CARD_DIGITS: usize = 16;
/// Length of a FIN (personal identification number), in characters.
const FIN_CHARS: usize = 7;
/// Length of a VÖEN (tax number), in digits.
const VOEN_DIGITS: usize = 10;

/// The account a partner is paid to: a bank account (IBAN and bank code) or a card (card number and
/// the holder's FIN).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutAccount {
    /// The holder's name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The bank account's IBAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^AZ[0-9A-Z]{26}$")]
    pub iban: Option<String>,
    /// The bank's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{6}$")]
    pub bank_code: Option<String>,
    /// The card number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{16}$")]
    pub card: Option<String>,
    /// The FIN of the card holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9A-Za-z]{7}$")]
    pub fin: Option<String>,
}

impl std::fmt::Debug for PayoutAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayoutAccount(…)")
    }
}

impl PayoutAccount {
    /// Whether the account is complete and its checksum is valid, so that it can be paid to.
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

    /// The last characters of the account number, for somebody who knows the rest.
    #[must_use]
    pub fn hint(&self) -> String {
        let number = self.iban.as_ref().or(self.card.as_ref()).map_or("", String::as_str);
        let end: Vec<char> = number.chars().rev().take(4).collect();
        format!("…{}", end.into_iter().rev().collect::<String>())
    }
}

/// Verifies an IBAN's checksum: the country and the check digits move to the end, letters count
/// from 10, and the number modulo 97 must be 1.
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

/// Verifies a card number's checksum.
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

/// Whether a text has the format of a VÖEN.
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

    /// BON-5, LIM-11: an account is either a bank account or a card, complete, never both, and its
    /// checksum is valid.
    #[test]
    fn bon_5_what_can_be_paid_to() {
        let text = |text: &str| Some(text.to_owned());
        let bank = PayoutAccount {
            name: "Kristal LLC".to_owned(),
            iban: text("AZ21NABZ00000000137010001944"),
            bank_code: text("505141"),
            card: None,
            fin: None,
        };
        let card = PayoutAccount {
            card: text("4169738812345670"),
            fin: text("5ABC123"),
            iban: None,
            bank_code: None,
            ..bank.clone()
        };
        assert!(bank.sensible() && card.sensible());
        assert_eq!((bank.hint().as_str(), card.hint().as_str()), ("…1944", "…5670"));
        assert!(!PayoutAccount { fin: text("5ABC123"), ..bank.clone() }.sensible());
        assert!(!PayoutAccount { iban: text("GB29ABCD38053"), ..bank.clone() }.sensible());
        assert!(!PayoutAccount { bank_code: None, ..bank.clone() }.sensible());
        assert!(!PayoutAccount { card: text("4169"), ..card.clone() }.sensible());
        assert!(!PayoutAccount { name: " ".to_owned(), ..bank.clone() }.sensible());
        // One digit wrong, and two digits swapped.
        let other = |iban: &str| PayoutAccount { iban: text(iban), ..bank.clone() }.sensible();
        assert!(!other("AZ21NABZ00000000137010001945") && !other("AZ12NABZ00000000137010001944"));
        let other = |number: &str| PayoutAccount { card: text(number), ..card.clone() }.sensible();
        assert!(!other("4169738812345671") && !other("4169738812345760"));
        assert!(voen("1234567891") && !voen("123456789") && !voen("12345678a1"));
    }
}
