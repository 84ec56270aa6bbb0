//! One row of each kind is corrupted, and the proof reports it (BAL-6).

use serde_json::{Value, json};

use crate::support::{Branch, Order, World};

/// What the proof reports: check, table, id.
pub async fn wrong(world: &World) -> Vec<(String, String, String)> {
    let proof = world.support().proof().await;
    let text = |v: &Value, field: &str| v[field].as_str().unwrap().to_owned();
    let all = proof.ok()["violations"].as_array().unwrap().iter();
    let found: Vec<_> = all.map(|v| (text(v, "check"), text(v, "table"), text(v, "id"))).collect();
    assert_eq!(proof.json["ok"], found.is_empty());
    found
}

/// A world with one completed order, one accepted one and one offer.
async fn lived_in(world: &World) -> (Branch, Order, Order, Order) {
    let kristal = world.branch("Kristal").await;
    let done = world.client("Anar").await.orders(&kristal).await;
    kristal.accepts(&done).await.ok();
    kristal.admits(&done).await.ok();
    kristal.completes(&done, 1500).await.ok();
    let open = world.client("Leyla").await.orders(&kristal).await;
    kristal.accepts(&open).await.ok();
    let offer = world.client("Rauf").await.orders(&kristal).await;
    assert_eq!(wrong(world).await, []);
    (kristal, done, open, offer)
}

/// Corrupts a row, sees it reported and acceptances stopped, repairs it, sees them resume.
pub async fn breaks(world: &World, breaking: &str, mending: &str, named: &[(&str, &str, &str)]) {
    world.tampers(breaking).await;
    let found = wrong(world).await;
    for (check, table, id) in named {
        let named = (check.to_string(), table.to_string(), id.to_string());
        assert!(found.contains(&named), "{breaking}: wanted {named:?}, found {found:?}");
    }
    world.tampers(mending).await;
    assert_eq!(wrong(world).await, [], "{mending}");
}

/// An id in the notation of this world's database.
pub fn id(world: &World, id: &str) -> String {
    match world.backend {
        crate::support::world::Backend::Sqlite => format!("X'{}'", id.replace('-', "")),
        crate::support::world::Backend::Postgres => format!("'{id}'"),
    }
}

both! {
    /// BAL-6: a wallet whose sums differ from its postings and holds is reported.
    async fn a_wallet_made_wrong_is_named(world) {
        let (kristal, ..) = lived_in(world).await;
        let wallet = kristal.partner_id.as_str();
        breaks(
            world,
            "UPDATE wallet SET posted = posted + 1",
            "UPDATE wallet SET posted = posted - 1",
            &[("wallet_posted", "wallet", wallet), ("sum_zero", "posting", "all")],
        )
        .await;
        breaks(
            world,
            "UPDATE wallet SET held = held - 1",
            "UPDATE wallet SET held = held + 1",
            &[("wallet_held", "wallet", wallet)],
        )
        .await;
    }

    /// BAL-6: holds that alone took a balance below its floor are reported.
    async fn a_floor_passed_by_holds_is_named(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let wallet = kristal.partner_id.as_str();
        breaks(
            world,
            "UPDATE wallet SET floor = 4866",
            "UPDATE wallet SET floor = 4865",
            &[("floor_by_hold", "wallet", wallet)],
        )
        .await;
    }

    /// ORD-10, BAL-6: a hold that a contested admission restored past the floor is no error.
    async fn a_contest_may_pass_the_floor(world) {
        let (kristal, anar) = (world.branch_with("Kristal", 0).await, world.client("Anar").await);
        world.tampers("UPDATE wallet SET floor = -300").await;
        let order = anar.orders_services(&kristal, &["wash.full"]).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        kristal.changes_services(&order, &["wash.body"]).await.ok();
        // Less is captured only once the client has confirmed it (ORD-11).
        let confirm = format!("/v1/client/orders/{}/confirm-amount", order.id);
        anar.post(&confirm, json!({"amount": 1500})).await.ok();
        let other = world.client("Leyla").await.orders(&kristal).await;
        kristal.accepts(&other).await.ok();
        assert_eq!(kristal.balance().await, (0, 270, -270));
        anar.contests(&order).await.ok();
        let (_, held, available) = kristal.balance().await;
        assert_eq!((held, available < -300), (-available, true));
        assert_eq!(wrong(world).await, []);
    }

    /// BAL-6: a hold of another size, or one that outlives its order, is reported.
    async fn a_hold_made_wrong_is_named(world) {
        let (_, done, open, _) = lived_in(world).await;
        let (of_open, of_done) = (id(world, &open.id), id(world, &done.id));
        breaks(
            world,
            &format!("UPDATE hold SET amount = amount + 1 WHERE order_id = {of_open}"),
            &format!("UPDATE hold SET amount = amount - 1 WHERE order_id = {of_open}"),
            &[("hold_amount", "hold", &open.id)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE hold SET state = 'open' WHERE order_id = {of_done}"),
            &format!("UPDATE hold SET state = 'captured' WHERE order_id = {of_done}"),
            &[("hold_order", "hold", &done.id)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE hold SET state = 'released' WHERE order_id = {of_open}"),
            &format!("UPDATE hold SET state = 'open' WHERE order_id = {of_open}"),
            &[("order_held", "order", &open.id)],
        )
        .await;
    }

    /// BAL-6: a posting of another amount, or on another account, is reported by what it
    /// unbalances.
    async fn a_posting_made_wrong_is_named(world) {
        let (kristal, done, ..) = lived_in(world).await;
        let wallet = kristal.partner_id.as_str();
        breaks(
            world,
            "UPDATE posting SET amount = amount - 1 WHERE kind = 'commission'",
            "UPDATE posting SET amount = amount + 1 WHERE kind = 'commission'",
            &[("wallet_posted", "wallet", wallet), ("commission_paid", "order", &done.id)],
        )
        .await;
        breaks(
            world,
            "UPDATE posting SET credit = 'operator:elsewhere' WHERE kind = 'commission'",
            "UPDATE posting SET credit = 'operator:commission' WHERE kind = 'commission'",
            &[("commission_paid", "order", &done.id)],
        )
        .await;
    }

    /// BAL-6: an order whose money differs from its hold or its commission is reported.
    async fn an_order_made_wrong_is_named(world) {
        let (_, done, open, _) = lived_in(world).await;
        let (of_open, of_done) = (id(world, &open.id), id(world, &done.id));
        breaks(
            world,
            &format!("UPDATE \"order\" SET agreed = 2500 WHERE id = {of_open}"),
            &format!("UPDATE \"order\" SET agreed = 1500 WHERE id = {of_open}"),
            &[("hold_amount", "hold", &open.id)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE \"order\" SET final_amount = 2500 WHERE id = {of_done}"),
            &format!("UPDATE \"order\" SET final_amount = 1500 WHERE id = {of_done}"),
            &[("commission_paid", "order", &done.id)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE \"order\" SET status = 'cancelled' WHERE id = {of_done}"),
            &format!("UPDATE \"order\" SET status = 'completed' WHERE id = {of_done}"),
            &[("commission_due", "order", &done.id)],
        )
        .await;
    }

    /// BAL-6: while the books are wrong nothing is accepted; once they balance again, acceptances
    /// resume.
    async fn wrong_books_stop_acceptances(world) {
        let (kristal, _, _, offer) = lived_in(world).await;
        world.tampers("UPDATE wallet SET posted = posted + 1").await;
        assert!(!wrong(world).await.is_empty());
        kristal.accepts(&offer).await.refused_as("books_wrong", "requested");
        world.tampers("UPDATE wallet SET posted = posted - 1").await;
        assert_eq!(wrong(world).await, []);
        kristal.accepts(&offer).await.status("confirmed");
    }
}
