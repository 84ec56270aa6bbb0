//! Penalties are debts; too many unpaid ones stop new orders (PEN-5, PEN-6).

use serde_json::json;

use crate::support::{Branch, Client, Order, World, seconds};

/// How often an order is placed while the fee that forbids it falls due.
const ROUNDS: usize = 12;

/// Places an order and cancels it late: 1.50 more to pay.
async fn leaves_late(world: &World, kristal: &Branch, anar: &Client) {
    let order = anar.orders(kristal).await;
    kristal.accepts(&order).await.ok();
    world.advance(seconds(11)).await;
    assert_eq!(anar.cancels(&order).await.money("penalty"), 150);
}

both! {
    /// PEN-5: a penalty is a pending debt; the partner gets its share only when money arrives.
    async fn a_penalty_is_a_debt_until_it_is_paid(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late(world, &kristal, &anar).await;
        let owed = anar.penalties().await;
        let debt = &owed.ok()["items"][0];
        assert_eq!((&debt["state"], &debt["paid"]["amount"]), (&json!("pending"), &json!(0)));
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// PEN-6: the second unpaid penalty stops new orders.
    async fn two_unpaid_penalties_stop_new_orders(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late(world, &kristal, &anar).await;
        leaves_late(world, &kristal, &anar).await;
        let refused = anar.tries(&kristal, &["wash.body"]).await;
        assert_eq!(refused.refused("penalties_unpaid")["debt"]["amount"], 300);
        // The client's other car is refused too; another client is not.
        let other = anar.with_another("sedan").await.tries(&kristal, &["wash.body"]).await;
        other.refused("penalties_unpaid");
        world.client("Leyla").await.orders(&kristal).await;
    }

    /// PEN-6: a debt of 7.00 stops new orders, 6.99 does not; disputed ones do not count.
    async fn a_debt_of_seven_stops_new_orders(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late(world, &kristal, &anar).await;
        world.tampers("UPDATE penalty SET amount = 700").await;
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        world.tampers("UPDATE penalty SET state = 'disputed'").await;
        let order = anar.orders(&kristal).await;
        anar.cancels(&order).await.ok();
        world.tampers("UPDATE penalty SET state = 'pending', amount = 699").await;
        anar.orders(&kristal).await;
        world.tampers("UPDATE penalty SET amount = 150").await;
    }

    /// PEN-6: an order is not placed after a penalty that falls due at the same moment: the order
    /// of the client's feed decides which was first.
    async fn pen_6_no_order_overtakes_a_penalty(world) {
        let kristal = world.branch_with("Kristal", 100_000).await;
        for round in 0..ROUNDS {
            let anar = world.client("Anar").await;
            leaves_late(world, &kristal, &anar).await;
            let order = anar.orders(&kristal).await;
            kristal.accepts(&order).await.ok();
            world.advance(seconds(11)).await;
            let other = anar.with_another("sedan").await;
            let (over, tried) = tokio::join!(
                anar.cancels(&order),
                other.places(&kristal, &["wash.body"], 1500)
            );
            assert_eq!(over.money("penalty"), 150);
            if tried.status != 201 {
                assert_eq!(tried.refused("penalties_unpaid")["debt"]["amount"], 300);
                continue;
            }
            let placed = Order::of(&tried);
            let polled = anar.get("/v1/feed/events?after=0").await;
            let told = polled.ok()["events"].as_array().unwrap().clone();
            let seq = |order: &Order, event: &str| {
                let of = |t: &&serde_json::Value| {
                    t["event"] == event && t["data"]["order"]["id"] == order.id.as_str()
                };
                told.iter().find(of).unwrap()["seq"].as_i64().unwrap()
            };
            let (asked, left) = (seq(&placed, "order.requested"), seq(&order, "order.cancelled"));
            assert!(asked < left, "round {round}: placed after the second penalty");
        }
    }
}
