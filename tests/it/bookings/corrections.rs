//! Corrections: the class of the car, the amount (ORD-10, ORD-11).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{Branch, Client, Order, World, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

impl Branch {
    async fn admits_as(&self, order: &Order, class: &str) -> crate::support::Reply {
        let path = format!("/v1/partner/orders/{}/admit", order.id);
        self.post(&path, json!({"car_class": class})).await
    }
}

impl Client {
    async fn leaves(&self, order: &Order) -> crate::support::Reply {
        self.post(&format!("/v1/client/orders/{}/leave", order.id), json!({})).await
    }

    async fn contests_amount(&self, order: &Order) -> crate::support::Reply {
        let path = format!("/v1/client/orders/{}/contest-amount", order.id);
        self.post(&path, json!({"reason": "We agreed on less"})).await
    }
}

async fn confirmed(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = one_bay(world).await;
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    (kristal, anar, order)
}

both! {
    /// ORD-10: the class is corrected at admission: 20.00 and 40 minutes instead of 15.00 and 30;
    /// the client sees it and may leave free for ten minutes.
    async fn ord_10_the_class_is_corrected_and_the_client_leaves_free(world) {
        let (kristal, anar, order) = confirmed(world).await;
        let mut feed = anar.follows().await;
        let active = kristal.admits_as(&order, "suv").await;
        assert_eq!(active.status("active")["car"]["class"], "suv");
        assert_eq!(active.money("total"), 2000);
        assert_eq!(active.at("planned_end"), instant("2026-11-20T08:40:00Z"));
        assert_eq!(kristal.balance().await.1, 180);
        let told = feed.hears("order.admitted").await;
        assert_eq!(told["data"]["order"]["total"]["amount"], 2000);
        assert_eq!(told["data"]["order"]["class_corrected"], true);
        world.advance(minutes(10)).await;
        let left = anar.leaves(&order).await;
        assert_eq!(left.status("cancelled")["reason"], "client_cancelled");
        assert_eq!(left.ok()["penalty"], json!(null));
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
    }

    /// ORD-10: after ten minutes, or without a correction, a client cannot cancel an active order.
    async fn ord_10_leaving_needs_a_correction_and_is_short(world) {
        let (kristal, anar, order) = confirmed(world).await;
        kristal.admits(&order).await.ok();
        anar.leaves(&order).await.refused_as("not_corrected", "active");
        kristal.completes(&order, 1500).await.ok();
        let again = anar.orders(&kristal).await;
        kristal.accepts(&again).await.ok();
        kristal.admits_as(&again, "suv").await.ok();
        world.advance(minutes(10) + MICROSECOND).await;
        anar.leaves(&again).await.refused_as("not_corrected", "active");
        kristal.completes(&again, 2000).await.status("completed");
        assert_eq!(kristal.balance().await, (5000 - 135 - 180, 0, 5000 - 135 - 180));
    }

    /// ORD-10: contesting the admission undoes the correction too.
    async fn ord_10_contesting_takes_the_correction_back(world) {
        let (kristal, anar, order) = confirmed(world).await;
        kristal.admits_as(&order, "suv").await.status("active");
        let back = anar.contests(&order).await;
        assert_eq!(back.status("confirmed")["total"]["amount"], 1500);
        assert_eq!(back.ok()["car"]["class"], "sedan");
        assert_eq!(kristal.balance().await.1, 135);
    }

    /// ORD-11: exactly a fifth more is not flagged; more is, and the client may contest it for two
    /// days; support is notified.
    async fn ord_11_an_amount_far_off_may_be_contested(world) {
        let (kristal, anar, order) = confirmed(world).await;
        kristal.admits(&order).await.ok();
        assert_eq!(kristal.completes(&order, 1800).await.status("completed")["flagged"], false);
        anar.contests_amount(&order).await.refused_as("not_contestable", "completed");
        let mut queue = world.support().follows().await;
        let again = anar.orders(&kristal).await;
        kristal.accepts(&again).await.ok();
        kristal.admits(&again).await.ok();
        let dear = kristal.completes(&again, 1801).await;
        assert_eq!(dear.status("completed")["flagged"], true);
        world.advance(TimeDelta::hours(48)).await;
        let contested = anar.contests_amount(&again).await;
        contested.status("completed");
        assert_eq!(contested.at("amount_contested_at"), world.now());
        let told = queue.hears("support.amount_contested").await;
        assert_eq!(told["data"]["note"]["reason"], "We agreed on less");
        anar.contests_amount(&again).await.refused("not_contestable");
        // Support decides for the client: the commission follows.
        let version = kristal.version(&again).await;
        let path = format!("/v1/support/orders/{}/adjust", again.id);
        let body = json!({"act": "amend", "reason": "Agreed", "final_amount": 1500});
        world.support().ask("POST", &path).seen(version).body(body).send().await.ok();
        assert_eq!(kristal.sees(&again).await.money("final_amount"), 1500);
    }

    /// OUT-1, ORD-11: the two days move with our own outage: down five minutes before their end, up
    /// ten minutes later, so five minutes more.
    async fn out_1_the_days_to_contest_an_amount_move(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        kristal.adds_bay("Bay 2", "wash").await;
        let (order, other) = (anar.orders(&kristal).await, leyla.orders(&kristal).await);
        for order in [&order, &other] {
            kristal.accepts(order).await.ok();
            kristal.admits(order).await.ok();
            kristal.completes(order, 1801).await.status("completed");
        }
        world.advance(TimeDelta::hours(48) - minutes(5)).await;
        world.is_down_for(minutes(10)).await;
        world.advance(minutes(5)).await;
        anar.contests_amount(&order).await.status("completed");
        world.advance(MICROSECOND).await;
        leyla.contests_amount(&other).await.refused("not_contestable");
    }

    /// ORD-11: an amount set by support's completion is flagged; an order completed by the timer at
    /// the agreed amount cannot be contested.
    async fn ord_11_contesting_is_offered_where_it_is_possible(world) {
        let (kristal, anar, order) = confirmed(world).await;
        kristal.admits(&order).await.ok();
        world.support().adjusts(&order, "force_complete", Some(1801)).await.ok();
        let seen = anar.sees(&order).await;
        assert_eq!(seen.status("completed")["flagged"], true);
        assert_eq!(seen.ok()["actions"]["contest_amount"]["allowed"], true);
        anar.contests_amount(&order).await.status("completed");
        let again = anar.orders(&kristal).await;
        kristal.accepts(&again).await.ok();
        kristal.admits(&again).await.ok();
        world.advance(TimeDelta::hours(13)).await;
        let closed = anar.sees(&again).await;
        assert_eq!(closed.status("completed")["flagged"], true);
        let refused = &closed.ok()["actions"]["contest_amount"];
        assert_eq!(refused, &json!({"allowed": false, "code": "not_contestable"}));
        anar.contests_amount(&again).await.refused("not_contestable");
    }

    /// ORD-11: contesting is refused after two days.
    async fn ord_11_not_after_two_days(world) {
        let (kristal, anar, order) = confirmed(world).await;
        kristal.admits(&order).await.ok();
        kristal.completes_for_less(&order, 1000).await.status("completed");
        world.advance(TimeDelta::hours(48) + MICROSECOND).await;
        anar.contests_amount(&order).await.refused("not_contestable");
    }
}
