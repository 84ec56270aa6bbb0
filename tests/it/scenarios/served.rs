//! Active orders: admitted, changed, completed; contested and flagged.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Branch, Client, Order, World, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Accepted at 08:00:00, on the way, and admitted five minutes later without any evidence.
async fn admitted_unseen(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    anar.departs(&order).await.ok();
    world.advance(minutes(5)).await;
    kristal.admits(&order).await.status("active");
    (kristal, anar, order)
}

/// Orders, is accepted and admitted at once.
async fn taken_in(kristal: &Branch, anar: &Client) -> Order {
    let order = anar.orders(kristal).await;
    kristal.accepts(&order).await.ok();
    kristal.admits(&order).await.status("active");
    order
}

both! {
    /// ORD-10: "I am not there" undoes the admission; the time since the admission is given back.
    async fn a_client_who_is_not_there_takes_the_admission_back(world) {
        let (kristal, anar, order) = admitted_unseen(world).await;
        world.advance(minutes(10)).await;
        let back = anar.contests(&order).await;
        back.status("on_the_way");
        assert!(back.ok()["admitted_at"].is_null());
        // 08:25:01, and the ten minutes since the admission.
        assert_eq!(back.at("arrival_deadline"), instant("2026-11-20T08:35:01Z"));
        assert_eq!(world.marks(&kristal.partner_id, "admission_contested").await, 1);
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
    }

    /// ORD-10, QO-5: the partner's time to decide about a late client is given back as well.
    async fn a_late_client_taken_in_by_mistake_is_late_again(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.until(instant("2026-11-20T08:26:01Z")).await;
        kristal.admits(&order).await.status("active");
        world.advance(minutes(8)).await;
        let back = anar.contests(&order).await;
        assert_eq!(back.status("confirmed")["overdue"], true);
        // 08:25:01 and 08:35:01, and the eight minutes since the admission.
        assert_eq!(back.at("arrival_deadline"), instant("2026-11-20T08:33:01Z"));
        assert_eq!(back.at("decision_deadline"), instant("2026-11-20T08:43:01Z"));
        world.until(instant("2026-11-20T08:43:01Z")).await;
        anar.sees(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "no_show");
    }

    /// ORD-10: contesting is possible for ten minutes, and not a microsecond more.
    async fn an_admission_is_contested_within_ten_minutes(world) {
        let (kristal, anar, order) = admitted_unseen(world).await;
        world.advance(minutes(10) + MICROSECOND).await;
        anar.contests(&order).await.refused_as("contest_over", "active");
        assert_eq!(world.marks(&kristal.partner_id, "admission_contested").await, 0);
    }

    /// ORD-10: an admission with evidence of the arrival cannot be contested.
    async fn an_admission_after_an_arrival_is_not_contested(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        anar.drives_to(world, &order, &kristal).await.ok();
        kristal.admits(&order).await.ok();
        anar.contests(&order).await.refused_as("contest_over", "active");
    }

    /// ORD-11: exactly 20 % off is not flagged, a qəpik more is; less than agreed needs a reason.
    async fn an_amount_far_off_is_flagged(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        for (amount, flagged) in [(1500, false), (1800, false), (1801, true)] {
            let order = taken_in(&kristal, &anar).await;
            let done = kristal.completes(&order, amount).await;
            assert_eq!(done.status("completed")["flagged"], flagged, "{amount}");
        }
        for (amount, flagged) in [(1499, false), (1200, false), (1199, true)] {
            let order = taken_in(&kristal, &anar).await;
            kristal.completes(&order, amount).await.refused("reason_required");
            let done = kristal.completes_for_less(&order, amount).await;
            assert_eq!(done.status("completed")["flagged"], flagged, "{amount}");
            assert_eq!(anar.sees(&order).await.money("final_amount"), amount);
        }
    }

    /// COM-3, ORD-11: the commission is captured on the final amount, the difference taken or
    /// released; below the agreed amount only once the client has confirmed it.
    async fn the_commission_follows_the_final_amount(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = taken_in(&kristal, &anar).await;
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        // 25.00 at 8 % is 2.00.
        kristal.completes(&order, 2500).await.ok();
        assert_eq!(kristal.balance().await, (4800, 0, 4800));
        let order = taken_in(&kristal, &anar).await;
        kristal.completes_for_less(&order, 1000).await.ok();
        assert_eq!(kristal.balance().await, (4665, 0, 4665));
        // 10.00 at 9 % is 0.90.
        let confirm = format!("/v1/client/orders/{}/confirm-amount", order.id);
        anar.post(&confirm, json!({"amount": 1000})).await.ok();
        assert_eq!(kristal.balance().await, (4710, 0, 4710));
        let statement = kristal.get("/v1/partner/statement").await;
        let items = statement.ok()["items"].as_array().unwrap();
        let lines: Vec<_> = items.iter().map(|l| (&l["kind"], &l["amount"]["amount"])).collect();
        let kinds = ["commission_amended", "commission", "commission", "credit"].map(|k| json!(k));
        let amounts = [json!(45), json!(-135), json!(-200), json!(5000)];
        assert_eq!(lines, kinds.iter().zip(&amounts).collect::<Vec<_>>());
    }

    /// COM-3: a capture is never blocked by the floor.
    async fn a_capture_passes_the_floor(world) {
        let (kristal, anar) = (world.branch_with("Kristal", 0).await, world.client("Anar").await);
        let order = taken_in(&kristal, &anar).await;
        // 100.00 at 7 % is 7.00.
        kristal.completes(&order, 10_000).await.status("completed");
        assert_eq!(kristal.balance().await, (-700, 0, -700));
        anar.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
    }

    /// COM-3: a larger total extends the hold, a smaller one releases part of it.
    async fn changed_services_size_the_hold_anew(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = taken_in(&kristal, &anar).await;
        let grown = kristal.changes_services(&order, &["wash.body", "wash.full"]).await;
        // 40.00 at 8 % is 3.20; 30 and 60 minutes.
        assert_eq!((grown.money("total"), grown.money("commission")), (4000, 320));
        assert_eq!(grown.at("planned_end"), world.now() + minutes(90));
        assert_eq!(kristal.balance().await, (5000, 320, 4680));
        let shrunk = kristal.changes_services(&order, &["wash.body"]).await;
        assert_eq!(shrunk.money("total"), 1500);
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
    }

    /// ORD-1: twelve hours after the planned end a timer completes it, on the agreed amount.
    async fn a_forgotten_order_completes_itself_flagged(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = taken_in(&kristal, &anar).await;
        world.until(instant("2026-11-20T20:30:00Z")).await;
        anar.sees(&order).await.status("active");
        world.advance(MICROSECOND).await;
        let done = anar.sees(&order).await;
        assert_eq!(done.status("completed")["flagged"], true);
        assert_eq!(done.money("final_amount"), 1500);
        assert_eq!(kristal.balance().await, (4865, 0, 4865));
    }

    /// ORD-1, SUP-2: support corrects an ended order by a separate posting; the status stays.
    async fn support_amends_a_completed_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = taken_in(&kristal, &anar).await;
        kristal.completes(&order, 1500).await.ok();
        let amended = world.support().adjusts(&order, "amend", Some(1000)).await;
        assert_eq!(amended.status("completed")["final_amount"]["amount"], 1000);
        // 1.35 was taken, 0.90 is due: 0.45 are returned.
        assert_eq!(kristal.balance().await, (4910, 0, 4910));
        world.support().adjusts(&order, "amend", Some(2000)).await.ok();
        assert_eq!(kristal.balance().await, (4820, 0, 4820));
        let whole = world.support().sees(&order).await;
        assert_eq!(whole.ok()["postings"].as_array().unwrap().len(), 3);
        world.support().adjusts(&order, "force_cancel", None).await.refused("order_closed");
    }
    /// ORD-1, COM-3: support completes an accepted order, and ends an open one; a mere request
    /// cannot be completed, and a cancelled order has no amount to correct.
    async fn support_ends_or_closes_an_open_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let support = world.support();
        let offer = anar.orders(&kristal).await;
        let refused = support.adjusts(&offer, "force_complete", None).await;
        refused.refused_as("not_in_this_status", "requested");
        support.adjusts(&offer, "force_cancel", None).await.status("cancelled");
        support.adjusts(&offer, "amend", Some(100)).await.refused("amount_invalid");
        support.adjusts(&offer, "amend", None).await.status("cancelled");
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        anar.departs(&order).await.ok();
        let closed = support.adjusts(&order, "force_complete", Some(2500)).await;
        assert_eq!(closed.status("completed")["final_amount"]["amount"], 2500);
        assert_eq!(kristal.balance().await, (4800, 0, 4800));
    }

    /// ORD-10, PEN-3: contesting undoes the partner's changes since the admission, and their hold.
    async fn a_contested_admission_takes_changed_services_back(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.status("active");
        let changed = kristal.changes_services(&order, &["wash.body", "wash.full"]).await;
        assert_eq!((changed.money("total"), changed.money("commission")), (4000, 320));
        let back = anar.contests(&order).await;
        back.status("confirmed");
        assert_eq!((back.money("total"), back.ok()["services"].as_array().unwrap().len()), (1500, 1));
        // 15.00 at 9 % is 1.35.
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
    }
}
