//! Bonus: granted, held, spent, released and expired (BON, COM-3).

use chrono::TimeDelta;
use serde_json::json;

use crate::support::bonus::{
    bonus_of, grants, grants_branch, pays_with_bonus, queue, serves, sets_aside, settles_at_once,
    wants_to_pay,
};
use crate::support::pay::account;
use crate::support::{Client, World, instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

async fn released_late(world: &World) -> Client {
    let anar = world.client("Anar").await;
    grants(world, &anar, 1000, 24).await;
    world.advance(TimeDelta::hours(1)).await;
    anar
}

both! {
    /// BON-5: a client pays in part with bonus; the operator owes it to the partner, whose
    /// commission is due as usual.
    async fn bon_5_a_client_pays_in_part_with_bonus(world) {
        settles_at_once(world).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        grants(world, &anar, 1000, 24).await;
        let order = pays_with_bonus(&anar, &kristal, 600).await;
        assert_eq!(order.placed["bonus"]["amount"], 600);
        assert_eq!(bonus_of(&anar, "client").await, (400, 600));
        serves(&kristal, &order, 1500).await;
        assert_eq!(bonus_of(&anar, "client").await, (400, 0));
        assert_eq!(kristal.balance().await, (4865, 0, 4865));
        assert_eq!(account(world, &format!("payable:{}", kristal.partner_id)).await, 600);
        world.advance(MICROSECOND).await;
        assert_eq!(kristal.balance().await, (5465, 0, 5465));
        assert_eq!(account(world, &format!("payable:{}", kristal.partner_id)).await, 0);
        assert_eq!(anar.sees(&order).await.money("bonus"), 600);
    }

    /// BON-5: at most the reserved part is used; more needs the client's consent; the rest is
    /// returned.
    async fn bon_5_more_needs_the_clients_word_and_the_rest_goes_back(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let none = wants_to_pay(&anar, &kristal, 1).await;
        assert_eq!(none.refused("bonus_insufficient")["usable"]["amount"], 0);
        grants(world, &anar, 2000, 24).await;
        wants_to_pay(&anar, &kristal, 1501).await.refused("bonus_above_total");
        wants_to_pay(&anar, &kristal, -1).await.refused("amount_invalid");
        let order = pays_with_bonus(&anar, &kristal, 300).await;
        sets_aside(&anar, &order, 1501).await.refused("bonus_above_total");
        sets_aside(&anar, &order, -5).await.refused("amount_invalid");
        assert_eq!(sets_aside(&anar, &order, 1000).await.money("bonus"), 1000);
        assert_eq!(bonus_of(&anar, "client").await, (1000, 1000));
        let leyla = world.client("Leyla").await;
        sets_aside(&leyla, &order, 1).await.refused("no_such_order");
        assert_eq!(sets_aside(&anar, &order, 900).await.money("bonus"), 900);
        assert_eq!(bonus_of(&anar, "client").await, (1100, 900));
        // Completed for 8.00: the bonus pays all of it, one manat is returned.
        serves(&kristal, &order, 800).await;
        assert_eq!(bonus_of(&anar, "client").await, (1200, 0));
        assert_eq!(kristal.sees(&order).await.money("bonus"), 800);
        sets_aside(&anar, &order, 0).await.refused("order_closed");
        world.support().adjusts(&order, "amend", Some(799)).await.refused("amount_below_bonus");
        world.support().adjusts(&order, "amend", Some(800)).await.ok();
    }

    /// BON-3: after a partner's cancel the reserved bonus returns with the lifetime it had when it
    /// was held, at the front of the queue, and pauses the current head.
    async fn bon_3_by_the_partners_fault_the_lifetime_is_what_was_left(world) {
        let kristal = world.branch("Kristal").await;
        let anar = released_late(world).await;
        let mut hears = anar.follows().await;
        let order = pays_with_bonus(&anar, &kristal, 500).await;
        kristal.accepts(&order).await.ok();
        world.advance(minutes(5)).await;
        kristal.cancels(&order).await.ok();
        // 23 hours were left at 09:00; now it is 09:05. The rest waits with 22 h 55 min.
        assert_eq!(queue(&anar, "client").await, [
            (500, json!("2026-11-21T08:05:00Z"), json!(null)),
            (500, json!(null), json!(82_500)),
        ]);
        assert_eq!(hears.hears("bonus.returned").await["data"]["amount"]["amount"], 500);
        world.until(instant("2026-11-21T08:05:00Z") + MICROSECOND).await;
        assert_eq!(queue(&anar, "client").await, [(500, json!("2026-11-22T07:00:00Z"), json!(null))]);
        hears.hears("bonus.expired").await;
    }

    /// BON-3: after the client's own cancel the bonus keeps its original expiry, so it may expire.
    async fn bon_3_by_ones_own_fault_the_end_stays(world) {
        let kristal = world.branch("Kristal").await;
        let anar = released_late(world).await;
        let order = pays_with_bonus(&anar, &kristal, 500).await;
        kristal.accepts(&order).await.ok();
        world.advance(minutes(5)).await;
        anar.cancels(&order).await.ok();
        let whole = [(1000, json!("2026-11-21T08:00:00Z"), json!(null))];
        assert_eq!(queue(&anar, "client").await, whole);
        // Held past its expiry: it is gone when the client cancels after that.
        world.until(instant("2026-11-21T07:59:59Z")).await;
        let order = pays_with_bonus(&anar, &kristal, 600).await;
        kristal.accepts(&order).await.ok();
        world.advance(seconds(11)).await;
        assert_eq!(bonus_of(&anar, "client").await, (0, 600));
        anar.cancels(&order).await.ok();
        assert_eq!(bonus_of(&anar, "client").await, (0, 0));
        assert_eq!(account(world, "operator:bonus").await, 0);
    }

    /// BON-3: a hold outlives the expiry of its lot; the bonus still pays.
    async fn bon_3_a_hold_outlives_its_lots_end(world) {
        settles_at_once(world).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        grants(world, &anar, 1000, 1).await;
        world.advance(minutes(59)).await;
        let order = pays_with_bonus(&anar, &kristal, 1000).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        world.advance(minutes(10)).await;
        kristal.completes(&order, 1500).await.ok();
        world.advance(MICROSECOND).await;
        assert_eq!(kristal.balance().await, (5865, 0, 5865));
    }

    /// COM-3, BON-2: commission is held from bonus first, front to back, then from the balance; the
    /// hold grows and shrinks from the end, and capture uses the same allocations.
    async fn com_3_bonus_first_then_balance(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        grants_branch(world, &kristal, 50, 24).await;
        grants_branch(world, &kristal, 60, 48).await;
        let order = anar.orders(&kristal).await;
        // 1.35: 50 and 60 from bonus, 25 from the balance.
        kristal.accepts(&order).await.ok();
        assert_eq!(kristal.balance().await, (5000, 25, 4975));
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 110));
        kristal.admits(&order).await.ok();
        grants_branch(world, &kristal, 30, 24).await;
        // 40.00 is 3.20: 30 more from bonus, 155 from the balance in all.
        kristal.changes_services(&order, &["wash.body", "wash.full"]).await.ok();
        assert_eq!(kristal.balance().await, (5000, 180, 4820));
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 140));
        // Back to 1.35: what was allocated last is released first.
        kristal.changes_services(&order, &["wash.body"]).await.ok();
        assert_eq!(kristal.balance().await, (5000, 25, 4975));
        assert_eq!(bonus_of(&kristal, "partner").await, (30, 110));
        kristal.completes(&order, 1500).await.ok();
        assert_eq!(kristal.balance().await, (4975, 0, 4975));
        assert_eq!(bonus_of(&kristal, "partner").await, (30, 0));
        assert_eq!(account(world, "operator:commission").await, 135);
        // Corrected to 5.00, 45 qəpik: 25 of the balance and 65 of the bonus are returned.
        world.support().adjusts(&order, "amend", Some(500)).await.ok();
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(bonus_of(&kristal, "partner").await, (95, 0));
        assert_eq!(account(world, "operator:commission").await, 45);
        // Then to 20.00: 1.35 more, from the balance.
        world.support().adjusts(&order, "amend", Some(2000)).await.ok();
        assert_eq!(kristal.balance().await, (4865, 0, 4865));
    }

    /// COM-3: a final amount above the agreed one takes more, bonus first, and is never blocked.
    async fn com_3_the_difference_is_taken_and_given_back(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let anar = world.client("Anar").await;
        grants_branch(world, &kristal, 200, 24).await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        // 100.00 is 7.00: all 2.00 of bonus, and 5.00 that the balance does not cover.
        kristal.completes(&order, 10_000).await.ok();
        assert_eq!(kristal.balance().await, (-500, 0, -500));
        let leyla = world.client("Leyla").await;
        grants_branch(world, &kristal, 200, 24).await;
        let order = leyla.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        assert_eq!(bonus_of(&kristal, "partner").await, (65, 135));
        kristal.cancels(&order).await.ok();
        assert_eq!(bonus_of(&kristal, "partner").await, (200, 0));
    }

    /// BON-3, BON-5: reserving bonus and releasing it does not extend its lifetime.
    async fn bon_3_setting_aside_lengthens_no_life(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        grants(world, &anar, 1000, 24).await;
        let order = pays_with_bonus(&anar, &kristal, 1000).await;
        world.advance(seconds(20)).await;
        sets_aside(&anar, &order, 0).await.ok();
        let ends = json!("2026-11-21T08:00:00Z");
        assert_eq!(queue(&anar, "client").await, [(1000, ends, json!(null))]);
        anar.cancels(&order).await.ok();
    }

    /// BON-7: the warning for a lot with a lifetime shorter than the warning period is sent at
    /// once.
    async fn bon_7_a_short_life_is_warned_of_at_once(world) {
        let anar = world.client("Anar").await;
        let mut hears = anar.follows().await;
        grants(world, &anar, 1000, 2).await;
        world.advance(MICROSECOND).await;
        for event in ["bonus.granted", "bonus.started", "bonus.expiring"] {
            assert_eq!(hears.next().await["event"], event);
        }
        world.advance(TimeDelta::hours(2)).await;
        assert_eq!(hears.next().await["event"], "bonus.expired");
    }

    /// BON-1, BON-7: one lot runs at a time; grant, start, warning and expiry each emit an event.
    async fn bon_1_bon_7_one_clock_runs_and_its_owner_is_told(world) {
        let anar = world.client("Anar").await;
        let mut hears = anar.follows().await;
        let first = grants(world, &anar, 1000, 24).await;
        let second = grants(world, &anar, 500, 5).await;
        for (event, lot) in [
            ("bonus.granted", &first),
            ("bonus.started", &first),
            ("bonus.granted", &second),
        ] {
            let told = hears.next().await;
            assert_eq!((&told["event"], &told["data"]["lot"]["id"]), (&json!(event), &json!(lot)));
        }
        assert_eq!(queue(&anar, "client").await, [
            (1000, json!("2026-11-21T08:00:00Z"), json!(null)),
            (500, json!(null), json!(18_000)),
        ]);
        world.until(instant("2026-11-21T05:00:00Z") + MICROSECOND).await;
        assert_eq!(hears.next().await["event"], "bonus.expiring");
        world.until(instant("2026-11-21T08:00:00Z")).await;
        assert_eq!(bonus_of(&anar, "client").await, (1500, 0));
        world.advance(MICROSECOND).await;
        assert_eq!(queue(&anar, "client").await, [(500, json!("2026-11-21T13:00:00Z"), json!(null))]);
        let (over, begins) = (hears.next().await, hears.next().await);
        assert_eq!((&over["event"], &over["data"]["amount"]["amount"]), (&json!("bonus.expired"), &json!(1000)));
        assert_eq!((&begins["event"], &begins["data"]["lot"]["id"]), (&json!("bonus.started"), &json!(second)));
        assert_eq!(account(world, "operator:bonus").await, -500);
    }

    /// OUT-1: bonus that expired during an outage of the engine gets the lost time back.
    async fn out_1_our_outage_takes_no_bonus(world) {
        let anar = world.client("Anar").await;
        grants(world, &anar, 1000, 2).await;
        world.advance(minutes(110)).await;
        world.is_down_for(TimeDelta::hours(1)).await;
        // Due at 10:00, down from 09:50, up at 10:50: until 11:00.
        assert_eq!(queue(&anar, "client").await, [(1000, json!("2026-11-20T11:00:00Z"), json!(null))]);
        world.until(instant("2026-11-20T11:00:00Z") + MICROSECOND).await;
        assert_eq!(bonus_of(&anar, "client").await, (0, 0));
    }

    /// BON-2: concurrent holds on one lot: each gets its part, and the last one the rest.
    async fn bon_2_many_at_once_share_a_lot(world) {
        let kristal = world.branch("Kristal").await;
        grants_branch(world, &kristal, 1000, 24).await;
        let mut orders = Vec::new();
        for n in 0..10 {
            orders.push(world.client(&format!("Client {n}")).await.orders(&kristal).await);
        }
        let mut yes = tokio::task::JoinSet::new();
        for order in orders {
            let kristal = kristal.clone();
            yes.spawn(async move { kristal.accepts(&order).await.ok().clone() });
        }
        while let Some(done) = yes.join_next().await {
            done.unwrap();
        }
        // Ten times 1.35: 10.00 from bonus, 3.50 from the balance.
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 1000));
        assert_eq!(kristal.balance().await, (5000, 350, 4650));
    }
}
