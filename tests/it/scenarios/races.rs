//! Atomicity and races: what a command leaves behind when it fails or loses a race.

use serde_json::json;

use crate::support::{Branch, Order, World, books, seconds};

/// Completes one order and has support correct it to `amount`, so that its commission is the only
/// posting.
async fn in_the_red(world: &World, kristal: &Branch, amount: i64) -> Order {
    let rauf = world.client("Rauf").await;
    let done = rauf.orders(kristal).await;
    kristal.accepts(&done).await.ok();
    kristal.admits(&done).await.ok();
    kristal.completes(&done, 1500).await.ok();
    let waiting = world.client("Anar").await.orders(kristal).await;
    world.support().adjusts(&done, "amend", Some(amount)).await.ok();
    waiting
}

both! {
    /// BAL-2: exactly −5.00 may be left. 52.15 at 7 % is 3.65; 1.35 more makes 5.00.
    async fn a_hold_may_leave_exactly_minus_five(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let waiting = in_the_red(world, &kristal, 5215).await;
        assert_eq!(kristal.balance().await, (-365, 0, -365));
        kristal.accepts(&waiting).await.status("confirmed");
        assert_eq!(kristal.balance().await, (-365, 135, -500));
    }

    /// BAL-2, ORD-2: −5.01 is refused, and no row of any table has changed.
    async fn a_yes_that_cannot_be_paid_leaves_nothing_behind(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let waiting = in_the_red(world, &kristal, 5229).await;
        assert_eq!(kristal.balance().await, (-366, 0, -366));
        let before = books::everything(&world.db()).await;
        let refused = kristal.accepts(&waiting).await;
        assert_eq!(refused.refused("insufficient_balance")["needed"]["amount"], 135);
        assert_eq!(books::everything(&world.db()).await, before);
        // The offer is still open: with money on the balance it is accepted.
        world.support().credits(&kristal.partner_id, 1).await.ok();
        kristal.accepts(&waiting).await.status("confirmed");
    }

    /// ORD-2: refusals of every kind change no row.
    async fn a_refused_command_leaves_nothing_behind(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let before = books::everything(&world.db()).await;
        kristal.accepts(&order).await.refused_as("not_in_this_status", "confirmed");
        kristal.declines(&order).await.refused_as("not_in_this_status", "confirmed");
        kristal.declares_no_show(&order).await.refused("not_late_yet");
        kristal.completes(&order, 1500).await.refused_as("not_in_this_status", "confirmed");
        kristal.says_not_here(&order).await.refused("not_arrived");
        anar.contests(&order).await.refused_as("not_in_this_status", "confirmed");
        anar.tries(&kristal, &["wash.body"]).await.refused("car_busy");
        assert_eq!(books::everything(&world.db()).await, before);
    }

    /// ORD-3: of two devices that accept concurrently one wins; the other gets the resulting order.
    async fn of_two_who_accept_at_once_one_wins(world) {
        let kristal = world.branch("Kristal").await;
        let operator = kristal.hires("operator").await;
        for n in 0..4 {
            let order = world.client(&format!("Client {n}")).await.orders(&kristal).await;
            let (one, two) =
                tokio::join!(kristal.accepts_seeing(&order, 1), operator.accepts_seeing(&order, 1));
            let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
            won.status("confirmed");
            assert_eq!(lost.status, 409, "{lost:?}");
            lost.refused_as("not_in_this_status", "confirmed");
            assert_eq!(lost.json["order"]["version"], 2);
        }
        assert_eq!(kristal.balance().await, (5000, 4 * 135, 5000 - 540));
    }

    /// ORD-3: of a concurrent accept and decline exactly one takes effect.
    async fn of_a_yes_and_a_no_at_once_one_wins(world) {
        let kristal = world.branch("Kristal").await;
        let operator = kristal.hires("operator").await;
        for n in 0..4 {
            let order = world.client(&format!("Client {n}")).await.orders(&kristal).await;
            let (yes, no) =
                tokio::join!(kristal.accepts_seeing(&order, 1), operator.declines(&order));
            let became = kristal.sees(&order).await.ok()["status"].clone();
            assert_eq!(yes.status == 200, became == "confirmed");
            assert_eq!(no.status == 200, became == "cancelled");
            let lost = if yes.status == 200 { no } else { yes };
            assert_eq!(lost.json["order"]["status"], became, "{lost:?}");
        }
    }

    /// ORD-3: accept, complete, changes and adjust name the version they saw: 428 without one, 412
    /// for an old one, with the current order.
    async fn a_decision_names_the_version_it_saw(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let accept = format!("/v1/partner/orders/{}/accept", order.id);
        let blind = kristal.post(&accept, json!({})).await;
        assert_eq!(blind.status, 428);
        blind.refused("precondition_required");
        let stale = kristal.accepts_seeing(&order, 7).await;
        assert_eq!(stale.status, 412);
        stale.refused_as("stale_version", "requested");
        let accepted = kristal.accepts_seeing(&order, 1).await;
        assert_eq!((accepted.etag, &accepted.ok()["version"]), (Some(2), &json!(2)));
        kristal.admits(&order).await.ok();
        let complete = format!("/v1/partner/orders/{}/complete", order.id);
        let amount = json!({"final_amount": 1500});
        let old = kristal.ask("POST", &complete).body(amount.clone()).seen(2).send().await;
        assert_eq!(old.refused_as("stale_version", "active")["order"]["version"], 3);
        kristal.post(&complete, amount).await.refused("precondition_required");
        let adjust = format!("/v1/support/orders/{}/adjust", order.id);
        let act = json!({"act": "force_cancel", "reason": "A mistake"});
        world.support().post(&adjust, act.clone()).await.refused("precondition_required");
        let old = world.support().ask("POST", &adjust).body(act).seen(1).send().await;
        old.refused("stale_version");
    }

    /// ORD-3: positions do not raise the version, so they never spoil a decision.
    async fn positions_do_not_raise_the_version(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.advance(seconds(200)).await;
        let sent = anar.sends_position(&order, kristal.lat - 0.045, kristal.lon, 10).await;
        assert_eq!(sent.ok()["arrived"], false);
        assert_eq!(kristal.version(&order).await, 2);
    }

    /// ORD-3, ORD-5: the loser's refusal shows the order like any other answer: with a readable
    /// plate, and the instant it was read at.
    async fn a_refusal_shows_the_order_as_any_answer_does(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let seen = anar.sees(&order).await;
        for refused in [
            anar.departs(&order).await,
            anar.is_at(&order, &kristal).await,
            anar.tries(&kristal, &["wash.body"]).await,
            kristal.accepts_seeing(&order, 7).await,
        ] {
            assert_eq!(refused.json["order"]["car"], seen.ok()["car"], "{}", refused.what);
            assert_eq!(refused.at("server_now"), world.now());
        }
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        let quote = anar.quote(&order).await;
        assert_eq!(quote.refused("not_in_this_status")["order"]["car"], seen.ok()["car"]);
    }
}
