//! Deadlines of a booking: departing, arriving, burning, admission (BK-5, BK-6, BK-7, ARR-1,
//! ARR-2).

use chrono::TimeDelta;

use super::one_bay;
use crate::support::{Branch, Client, Order, World, instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Confirmed for 16:00Z today; the route takes 901 s, so the window opens three hours before.
async fn at_four(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = one_bay(world).await;
    let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
    (kristal, anar, order)
}

both! {
    /// BK-5: "В путь" from three hours before the start until a minute after it.
    async fn bk_5_setting_out_has_a_window(world) {
        let (kristal, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T13:00:00Z") - MICROSECOND).await;
        anar.departs(&order).await.refused_as("too_early_to_depart", "confirmed");
        world.until(instant("2026-11-20T16:01:00Z")).await;
        let gone = anar.departs(&order).await;
        gone.status("on_the_way");
        assert_eq!(gone.at("eta_at"), instant("2026-11-20T16:16:01Z"));
        anar.drives_to(world, &order, &kristal).await.ok();
        assert_eq!(anar.sees(&order).await.ok()["arrival_by"], "position");
    }

    /// BK-5, PEN-1, SAN-1: neither departed nor arrived a minute after the start: burned, with the
    /// fee and a strike; the hold is released.
    async fn bk_5_who_does_not_set_out_burns(world) {
        let (kristal, anar, order) = at_four(world).await;
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        world.until(instant("2026-11-20T16:01:00Z")).await;
        anar.sees(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        let over = anar.sees(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "burned");
        assert_eq!(over.money("penalty"), 150);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(world.marks(&anar.person_id, "client_burned").await, 1);
        // The bay is free at once.
        let leyla = world.client("Leyla").await;
        leyla.books(&kristal, instant("2026-11-20T16:45:00Z")).await;
    }

    /// BK-6: departed but not there ten minutes after the start: burned.
    async fn bk_6_who_departs_and_does_not_come_burns(world) {
        let (_, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T15:59:00Z")).await;
        anar.departs(&order).await.status("on_the_way");
        world.until(instant("2026-11-20T16:10:00Z")).await;
        anar.sees(&order).await.status("on_the_way");
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "burned");
    }

    /// BK-6, ARR-1, ARR-3: an arrival at the last instant cancels both timers, even without a
    /// departure.
    async fn bk_6_an_arrival_at_the_last_instant_counts(world) {
        let (kristal, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T16:00:55Z")).await;
        anar.is_at(&order, &kristal).await.ok();
        world.clock.set(instant("2026-11-20T16:01:00Z"));
        let there = anar.is_beside(&order, &kristal).await;
        assert_eq!(there.ok()["arrived"], true);
        world.advance(minutes(10)).await;
        let waits = anar.sees(&order).await;
        waits.status("confirmed");
        assert_eq!(waits.at("admit_deadline"), instant("2026-11-20T17:01:00Z"));
        kristal.admits(&order).await.status("active");
    }

    /// ARR-1, BK-5: nothing counts as an arrival before departing is possible.
    async fn arr_1_whoever_is_there_too_early_has_not_arrived(world) {
        let (kristal, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T12:59:50Z")).await;
        anar.drives_to(world, &order, &kristal).await.ok();
        let code = kristal.arrival_code().await;
        anar.arrives_by_code(&order, &code).await.refused("too_early_to_depart");
        world.until(instant("2026-11-20T13:00:00Z")).await;
        // The earlier positions do not count; two new ones do.
        let one = anar.is_at(&order, &kristal).await;
        assert_eq!(one.ok()["arrived"], false);
        world.advance(seconds(5)).await;
        let two = anar.is_beside(&order, &kristal).await;
        assert_eq!(two.ok()["arrived"], true);
    }

    /// ARR-3, BK-5: positions days before the start produce no estimate.
    async fn arr_3_no_estimate_before_setting_out_is_possible(world) {
        let (kristal, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T12:59:55Z")).await;
        let (lat, lon) = (kristal.lat - 0.045, kristal.lon);
        let far = anar.sends_position(&order, lat, lon, 20).await;
        assert_eq!(far.ok()["eta_at"], serde_json::json!(null));
        world.until(instant("2026-11-20T13:00:00Z")).await;
        let comes = anar.sends_position(&order, lat, lon, 20).await;
        assert_eq!(comes.at("eta_at"), instant("2026-11-20T13:15:01Z"));
    }

    /// ARR-2: for a client who arrives early the waiting time counts from the start: support is
    /// notified after fifteen minutes, after an hour a timer ends it as the partner's cancellation.
    async fn arr_2_the_time_to_take_in_begins_with_the_start(world) {
        let (kristal, anar, order) = at_four(world).await;
        let mut queue = world.support().follows().await;
        world.until(instant("2026-11-20T15:30:00Z")).await;
        anar.drives_to(world, &order, &kristal).await.ok();
        world.until(instant("2026-11-20T16:15:00Z")).await;
        let quote = anar.quote(&order).await;
        assert_eq!(quote.money("fee"), 150);
        world.advance(MICROSECOND).await;
        queue.hears("support.admit_late").await;
        assert_eq!(anar.quote(&order).await.money("fee"), 0);
        world.until(instant("2026-11-20T17:00:00Z") + MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "not_admitted");
        assert_eq!(world.marks(&kristal.partner_id, "partner_not_admitted").await, 1);
    }

    /// ORD, BK-7: admitted from an hour before the start on; then it is an order like any other.
    async fn bk_7_taken_in_it_is_an_order_like_any_other(world) {
        let (kristal, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T15:00:00Z") - seconds(1)).await;
        let early = kristal.admits(&order).await;
        assert_eq!(early.refused("too_early_to_admit")["from"], "2026-11-20T15:00:00Z");
        world.until(instant("2026-11-20T15:00:00Z")).await;
        let active = kristal.admits(&order).await;
        active.status("active");
        assert_eq!(active.at("planned_end"), instant("2026-11-20T15:30:00Z"));
        anar.cancels(&order).await.refused("not_in_this_status");
        kristal.completes(&order, 1500).await.status("completed");
        assert_eq!(kristal.balance().await, (4865, 0, 4865));
        world.until(instant("2026-11-20T17:00:00Z")).await;
        anar.sees(&order).await.status("completed");
    }

    /// BK-6: one extension of ten minutes, if the bay is free then; both deadlines move.
    async fn bk_6_an_extension_moves_both_deadlines(world) {
        let (kristal, anar, order) = at_four(world).await;
        let next = world.client("Leyla").await.books(&kristal, instant("2026-11-20T16:30:00Z")).await;
        kristal.extends(&order).await.refused_as("bay_not_free", "confirmed");
        kristal.declines(&next).await.ok();
        let extended = kristal.extends(&order).await;
        extended.status("confirmed");
        assert_eq!(extended.at("depart_deadline"), instant("2026-11-20T16:11:00Z"));
        assert_eq!(extended.at("arrival_deadline"), instant("2026-11-20T16:20:00Z"));
        kristal.extends(&order).await.refused("no_more_extensions");
        let farid = world.client("Farid").await;
        let half_past = instant("2026-11-20T16:30:00Z");
        let tried = farid.asks_to_book(&kristal, &["wash.body"], half_past, 1500).await;
        tried.refused("slot_taken");
        world.until(instant("2026-11-20T16:11:00Z")).await;
        anar.departs(&order).await.status("on_the_way");
        world.until(instant("2026-11-20T16:20:00Z") + MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "burned");
    }

    /// OUT-1: a booking whose deadline fell into our own outage does not burn for it.
    async fn out_1_a_booking_does_not_burn_for_our_outage(world) {
        let (_, anar, order) = at_four(world).await;
        world.until(instant("2026-11-20T15:50:00Z")).await;
        world.is_down_for(minutes(30)).await;
        world.advance(TimeDelta::zero()).await;
        // Down 15:50, due 16:01, up 16:20: eleven minutes more, so 16:31.
        let seen = anar.sees(&order).await;
        seen.status("confirmed");
        assert_eq!(seen.at("depart_deadline"), instant("2026-11-20T16:31:00Z"));
        assert_eq!(seen.at("arrival_deadline"), instant("2026-11-20T16:40:00Z"));
        anar.departs(&order).await.status("on_the_way");
    }
}
