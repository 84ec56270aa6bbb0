//! Penalties are debts; enough of them stop new orders (PEN-5, PEN-6).

use serde_json::json;

use crate::support::{Branch, Client, World, seconds};

/// Orders and leaves late: 1.50 more to pay.
async fn leaves_late(world: &World, kristal: &Branch, anar: &Client) {
    let order = anar.orders(kristal).await;
    kristal.accepts(&order).await.ok();
    world.advance(seconds(11)).await;
    assert_eq!(anar.cancels(&order).await.money("penalty"), 150);
}

both! {
    /// PEN-5: a penalty is a pending debt; the partner gets nothing until money arrives.
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
        // Another of the client's cars does not help; another client is free.
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
}
