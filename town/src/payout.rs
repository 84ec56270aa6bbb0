//! How the branches want what clients' bonus paid them: a third each to the balance, half of it as
//! bonus, to a bank account.

use crate::ask::Ask;
use crate::person::Person;
use crate::trouble::Trouble;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Terms {
    voen_verified: bool,
}

/// Makes sure that a branch has said how.
pub async fn terms(
    owner: &Person,
    support: &Person,
    id: &str,
    number: usize,
) -> Result<(), Trouble> {
    let body = match number % 3 {
        0 => json!({ "to": "balance" }),
        1 => json!({ "to": "balance", "bonus_bp": 5000 }),
        _ => {
            verified(owner, support, id, number).await?;
            let iban = format!("AZ21NABZ{number:020}");
            let account = json!({ "name": owner.name, "iban": iban, "bank_code": "505141" });
            json!({ "to": "card", "account": account })
        }
    };
    owner.done(&Ask::put("/v1/partner/payout", &body)).await
}

/// Support has seen the tax number of whoever is paid outside the app.
async fn verified(
    owner: &Person,
    support: &Person,
    id: &str,
    number: usize,
) -> Result<(), Trouble> {
    let known: Terms = owner.read(&Ask::get("/v1/partner/payout")).await?;
    if known.voen_verified {
        return Ok(());
    }
    let voen = format!("{:010}", 1_400_000_001 + number);
    let body = json!({ "voen": voen, "verified": true, "reason": "Şəhadətnamə göstərildi" });
    support.done(&Ask::post(format!("/v1/support/partners/{id}/voen"), &body)).await
}
