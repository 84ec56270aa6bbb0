//! Payments through providers: requests of partners and clients, callbacks of providers, and the
//! resulting rows.

use entity::{inbound, payment, posting};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::Reply;
use super::{Branch, Client, Person, World};
use crate::wire::raw::{Answer, Raw};

/// A branch starts a top-up.
pub async fn tops_up(branch: &Branch, amount: i64) -> Reply {
    branch.post("/v1/partner/top-ups", json!({"amount": amount})).await
}

/// The id in an answer.
#[track_caller]
pub fn id(reply: &Reply) -> String {
    reply.ok()["id"].as_str().unwrap().to_owned()
}

/// A branch requests a refund.
pub async fn asks_back(branch: &Branch, payment: &str) -> Reply {
    branch.post(&format!("/v1/partner/top-ups/{payment}/refund"), json!({})).await
}

/// A top-up as its branch sees it.
pub async fn sees(branch: &Branch, payment: &str) -> Value {
    branch.get(&format!("/v1/partner/top-ups/{payment}")).await.ok().clone()
}

/// The state of a top-up.
pub async fn state(branch: &Branch, payment: &str) -> String {
    sees(branch, payment).await["state"].as_str().unwrap().to_owned()
}

/// A client starts the payment of a penalty.
pub async fn pays_penalty(client: &Client, penalty: &str, body: Value) -> Reply {
    client.post(&format!("/v1/client/penalties/{penalty}/payments"), body).await
}

/// A provider calls back with these bytes.
pub async fn calls(world: &World, driver: &str, raw: &str) -> Answer {
    let provider = Person::stranger(&world.scene, "A provider", "");
    let path = format!("/v1/open/payments/{driver}");
    Raw::of(&provider, "POST", &path).bytes(raw).send().await
}

/// The outcomes of the callbacks received, sorted.
pub async fn outcomes(world: &World) -> Vec<String> {
    let rows = inbound::Entity::find().all(&world.db()).await.unwrap();
    let mut outcomes: Vec<String> = rows.into_iter().map(|row| row.outcome).collect();
    outcomes.sort();
    outcomes
}

/// The number of payments.
pub async fn payments(world: &World) -> usize {
    payment::Entity::find().all(&world.db()).await.unwrap().len()
}

/// The postings of a subject: kind, account debited, account credited, amount.
pub async fn postings(world: &World, subject: &str) -> Vec<(String, String, String, i64)> {
    let subject: Uuid = subject.parse().unwrap();
    let rows = posting::Entity::find().filter(posting::Column::Subject.eq(subject));
    let mut rows = rows.all(&world.db()).await.unwrap();
    rows.sort_by_key(|row| row.id);
    rows.into_iter()
        .map(|row| (row.kind.to_string(), row.debit, row.credit, row.amount.0))
        .collect()
}

/// The balance of an account.
pub async fn account(world: &World, name: &str) -> i64 {
    let rows = posting::Entity::find().all(&world.db()).await.unwrap();
    let side = |row: &posting::Model| {
        i64::from(row.credit == name) * row.amount.0 - i64::from(row.debit == name) * row.amount.0
    };
    rows.iter().map(side).sum()
}
