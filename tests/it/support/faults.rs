//! Faults and their consequences: late cancels with their penalties, branches that cancel,
//! sanctions as each side sees them.

use serde_json::{Value, json};

use super::ask::{Reply, money, seconds};
use super::{Branch, Client, Order, World};

/// Orders and cancels late, for a tenth of the price; returns the id of the penalty.
pub async fn leaves_late(world: &World, branch: &Branch, client: &Client, code: &str) -> String {
    let order = client.orders_services(branch, &[code]).await;
    branch.accepts(&order).await.ok();
    world.advance(seconds(11)).await;
    client.cancels(&order).await.status("cancelled");
    newest_penalty(client).await["id"].as_str().unwrap().to_owned()
}

/// A client's newest penalty.
pub async fn newest_penalty(client: &Client) -> Value {
    client.penalties().await.ok()["items"][0].clone()
}

/// Support records that the client's newest penalty was paid in full.
pub async fn pays_all(world: &World, client: &Client) {
    let owed = newest_penalty(client).await;
    let left = money(&owed["amount"]) - money(&owed["paid"]);
    pays(world, owed["id"].as_str().unwrap(), left).await.ok();
}

/// Support records a payment of a penalty.
pub async fn pays(world: &World, penalty: &str, amount: i64) -> Reply {
    let path = format!("/v1/support/penalties/{penalty}/payments");
    let body = json!({"amount": amount, "reason": "Cash at the office", "confirm": true});
    world.support().post(&path, body).await
}

/// Support decides about a penalty: `reject`, `waive` or `reinstate`.
pub async fn decides(world: &World, penalty: &str, verb: &str) -> Reply {
    let path = format!("/v1/support/penalties/{penalty}/{verb}");
    world.support().post(&path, json!({"reason": "Our clock was wrong"})).await
}

/// The client disputes a penalty.
pub async fn disputes(client: &Client, penalty: &str) -> Reply {
    let path = format!("/v1/client/penalties/{penalty}/dispute");
    client.post(&path, json!({"reason": "The gate was shut"})).await
}

/// Cancels late and pays for it, this many times; a timer counts each a microsecond later.
pub async fn leaves_late_paying(world: &World, branch: &Branch, client: &Client, times: u32) {
    for _ in 0..times {
        leaves_late(world, branch, client, "wash.body").await;
        pays_all(world, client).await;
        world.advance(seconds(1)).await;
    }
}

/// An order that the branch accepted.
pub async fn accepted(branch: &Branch, client: &Client) -> Order {
    let order = client.orders(branch).await;
    branch.accepts(&order).await.ok();
    order
}

/// The branch cancels this many orders, each its own fault.
pub async fn lets_go(world: &World, branch: &Branch, client: &Client, times: u32) {
    for _ in 0..times {
        let order = accepted(branch, client).await;
        branch.cancels(&order).await.status("cancelled");
        world.advance(seconds(1)).await;
    }
}

/// Support imposes a sanction.
pub async fn imposes(world: &World, subject: &str, kind: &str, hours: i64) -> Reply {
    let body = json!({"subject": subject, "kind": kind, "hours": hours, "reason": "A false name"});
    world.support().post("/v1/support/sanctions", body).await
}

/// Support lifts a sanction, or unblocks its address: `lift`, `lift-address`.
pub async fn lifts(world: &World, sanction: &Value, verb: &str) -> Reply {
    let path = format!("/v1/support/sanctions/{}/{verb}", sanction["id"].as_str().unwrap());
    world.support().post(&path, json!({"reason": "It was settled"})).await
}

/// All sanctions of a subject, newest first.
pub async fn sanctions(world: &World, subject: &str) -> Vec<Value> {
    let path = format!("/v1/support/sanctions?subject={subject}");
    world.support().get(&path).await.ok()["items"].as_array().unwrap().clone()
}

/// Kinds of a subject's sanctions, the oldest first.
pub async fn kinds(world: &World, subject: &str) -> Vec<String> {
    let mut all = sanctions(world, subject).await;
    all.reverse();
    all.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
}
