//! Bonus in tests: granting it, paying with it, and reading what is left.

use serde_json::{Value, json};

use super::ask::Reply;
use super::client::Order;
use super::{Branch, Client, World};

/// Publishes a policy that settles payables for bonus-paid orders at once, without the holds of
/// LIM-6.
pub async fn settles_at_once(world: &World) {
    let bonus = json!({"payable_hold_h": 0, "new_account_days": 0});
    super::policy::publishes_now(world, json!({"bonus": bonus})).await.ok();
}

/// Support grants a client bonus that lives for this many hours; returns the lot's id.
pub async fn grants(world: &World, client: &Client, amount: i64, ttl_h: i64) -> String {
    lot(&granting(world, json!({"client_id": client.person_id}), amount, ttl_h).await)
}

/// Support grants a branch bonus that lives for this many hours; returns the lot's id.
pub async fn grants_branch(world: &World, branch: &Branch, amount: i64, ttl_h: i64) -> String {
    lot(&granting(world, json!({"partner_id": branch.partner_id}), amount, ttl_h).await)
}

async fn granting(world: &World, to: Value, amount: i64, ttl_h: i64) -> Reply {
    let mut body = to;
    body["amount"] = json!(amount);
    body["ttl_h"] = json!(ttl_h);
    body["reason"] = json!("A good deed");
    body["confirm"] = json!(true);
    world.support().post("/v1/support/bonuses", body).await
}

#[track_caller]
fn lot(reply: &Reply) -> String {
    reply.ok()["id"].as_str().unwrap().to_owned()
}

/// A client orders a body wash (15.00) and pays this much of it with bonus.
pub async fn pays_with_bonus(client: &Client, branch: &Branch, amount: i64) -> Order {
    Order::of(&wants_to_pay(client, branch, amount).await)
}

/// As [`pays_with_bonus`], whatever the outcome.
pub async fn wants_to_pay(client: &Client, branch: &Branch, amount: i64) -> Reply {
    let mut wish = client.wish(branch, &["wash.body"]);
    wish["shown_total"] = json!(1500);
    wish["pay_with_bonus"] = json!(amount);
    client.post("/v1/client/orders", wish).await
}

/// The client reserves another amount.
pub async fn sets_aside(client: &Client, order: &Order, amount: i64) -> Reply {
    let path = format!("/v1/client/orders/{}/bonus", order.id);
    client.ask("PUT", &path).body(json!({"amount": amount})).send().await
}

/// The branch accepts, admits the car and completes, for this amount.
pub async fn serves(branch: &Branch, order: &Order, amount: i64) {
    branch.accepts(order).await.ok();
    branch.admits(order).await.ok();
    if amount < 1500 {
        branch.completes_for_less(order, amount).await.ok();
    } else {
        branch.completes(order, amount).await.ok();
    }
}

/// Usable and reserved bonus, qəpik.
pub async fn bonus_of(person: &super::Person, whose: &str) -> (i64, i64) {
    let bonus = person.get(&format!("/v1/{whose}/bonus")).await;
    (bonus.money("usable"), bonus.money("pinned"))
}

/// The queue, first to last: the free amount, its expiry or its remaining life in seconds.
pub async fn queue(person: &super::Person, whose: &str) -> Vec<(i64, Value, Value)> {
    let bonus = person.get(&format!("/v1/{whose}/bonus")).await;
    let lots = bonus.ok()["lots"].as_array().unwrap().clone();
    let one = |lot: &Value| {
        let free = lot["free"]["amount"].as_i64().unwrap();
        (free, lot["expires_at"].clone(), lot["life_secs"].clone())
    };
    lots.iter().map(one).collect()
}
