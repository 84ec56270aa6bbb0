//! Payout terms of the branches for bonus spent by clients: a third each to the balance, to the
//! balance with half as bonus, and to a bank account.

use crate::people::Person;
use client::{ApiError, Request};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Terms {
    voen_verified: bool,
    /// The last digits of the account number.
    account: Option<String>,
}

/// Ensures that a branch has chosen its payout terms.
pub async fn terms(
    owner: &Person,
    support: &Person,
    id: &str,
    number: usize,
) -> Result<(), ApiError> {
    let body = match number % 3 {
        0 => json!({ "to": "balance" }),
        1 => json!({ "to": "balance", "bonus_bp": 5000 }),
        _ => {
            verified(owner, support, id, number).await?;
            json!({ "to": "card" })
        }
    };
    owner.done(&Request::put("/v1/partner/payout", &body)).await
}

/// The owner enters an account with a fresh one-time code; support confirms the owner's tax number.
async fn verified(
    owner: &Person,
    support: &Person,
    id: &str,
    number: usize,
) -> Result<(), ApiError> {
    let known: Terms = owner.read(&Request::get("/v1/partner/payout")).await?;
    if known.voen_verified {
        return Ok(());
    }
    let account = json!({ "name": owner.name, "iban": iban(number), "bank_code": "505141" });
    let body = json!({ "to": "balance", "account": account, "code": fresh_code(owner).await? });
    let named: Terms = owner.read(&Request::put("/v1/partner/payout", &body)).await?;
    let voen = format!("{:010}", 1_400_000_001 + number);
    let body = json!({
        "voen": voen, "verified": true, "account": named.account,
        "reason": "Şəhadətnamə göstərildi",
    });
    support.done(&Request::post(format!("/v1/support/partners/{id}/voen"), &body)).await
}

async fn fresh_code(owner: &Person) -> Result<String, ApiError> {
    owner.done(&Request::post("/v1/auth/otp", &json!({ "phone": owner.phone }))).await?;
    let code = owner.shared.codes.code(&owner.phone).await;
    code.ok_or_else(|| ApiError::NoCode(owner.phone.clone()))
}

/// An account number of a bank in Baku with valid check digits (ISO 13616, mod 97).
fn iban(number: usize) -> String {
    let account = format!("NABZ{number:020}");
    let digits = |text: &str| -> String {
        let digit = |c: char| c.to_digit(36).map_or_else(String::new, |digit| digit.to_string());
        text.chars().map(digit).collect()
    };
    let rest = digits(&format!("{account}AZ00"))
        .bytes()
        .fold(0_u32, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("AZ{:02}{account}", 98 - rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example for Azerbaijan in the IBAN registry: AZ21 NABZ 0000 0000 1370 1000 1944.
    #[test]
    fn check_digits_are_those_of_the_standard() {
        assert_eq!(iban(137_010_001_944), "AZ21NABZ00000000137010001944");
    }
}
