//! Where branches are paid, and their payouts.

use serde_json::{Value, json};

use super::ask::Reply;
use super::{Branch, Person, World};

/// A valid bank account number.
pub const IBAN: &str = "AZ21NABZ00000000137010001944";

/// The owner sets the payout destination; a new account needs a fresh code.
pub async fn wants(branch: &Branch, mut terms: Value) -> Reply {
    if terms.get("account").is_some() && terms.get("code").is_none() {
        terms["code"] = json!(fresh_code(&branch.person).await);
    }
    branch.ask("PUT", "/v1/partner/payout").body(terms).send().await
}

/// A one-time code for a person who is signed in.
pub async fn fresh_code(person: &Person) -> String {
    person.post("/v1/auth/otp", json!({"phone": person.phone})).await.ok();
    person.scene.mailbox.take(&person.phone)
}

/// A valid bank account.
pub fn iban() -> Value {
    json!({"name": "Kristal LLC", "iban": IBAN, "bank_code": "505141"})
}

/// Support records the branch's tax number; the owner names its bank account; support verifies
/// both together.
pub async fn wants_a_card(world: &World, branch: &Branch) {
    verifies(world, branch, false).await.ok();
    wants(branch, json!({"to": "card", "account": iban()})).await.ok();
    verifies(world, branch, true).await.ok();
}

/// Support records the branch's tax number, and whether it belongs to the owner of its account.
pub async fn verifies(world: &World, branch: &Branch, verified: bool) -> Reply {
    let path = format!("/v1/support/partners/{}/voen", branch.partner_id);
    let terms = branch.get("/v1/partner/payout").await.ok().clone();
    let body = json!({"voen": "1234567891", "verified": verified, "account": terms["account"],
        "reason": "A certificate"});
    world.support().post(&path, body).await
}

/// A branch's payouts, newest first.
pub async fn payouts(branch: &Branch) -> Vec<Value> {
    branch.get("/v1/partner/payouts").await.ok()["items"].as_array().unwrap().clone()
}
