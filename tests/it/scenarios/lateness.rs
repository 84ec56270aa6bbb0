//! Late clients: overdue, extended, declared a no-show (QO-5, QO-6).

use chrono::TimeDelta;

use crate::support::{Branch, Client, Order, World, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Accepted at 08:00:00, so expected until 08:25:01.
async fn awaited(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    (kristal, anar, order)
}

both! {
    /// QO-5, SAN-1: overdue after the deadline; ten minutes later a timer declares the no-show, for
    /// a tenth of 15.00, and it counts as a strike.
    async fn a_client_who_never_comes_is_a_no_show(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.until(instant("2026-11-20T08:25:01Z")).await;
        assert_eq!(anar.sees(&order).await.ok()["overdue"], false);
        world.advance(MICROSECOND).await;
        let overdue = anar.sees(&order).await;
        assert_eq!(overdue.status("confirmed")["overdue"], true);
        assert_eq!(overdue.at("decision_deadline"), instant("2026-11-20T08:35:01Z"));
        world.until(instant("2026-11-20T08:35:01Z")).await;
        anar.sees(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        let over = anar.sees(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "no_show");
        assert_eq!(over.money("penalty"), 150);
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 1);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// QO-5: the partner may declare it once the client's time is over, not a microsecond sooner.
    async fn the_partner_declares_a_no_show_only_after_the_deadline(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.until(instant("2026-11-20T08:25:01Z")).await;
        kristal.declares_no_show(&order).await.refused_as("not_late_yet", "confirmed");
        world.advance(MICROSECOND).await;
        let over = kristal.declares_no_show(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "no_show");
        assert_eq!(anar.penalties().await.ok()["items"][0]["amount"]["amount"], 150);
    }

    /// QO-5: an overdue client may be admitted, and may still depart and arrive.
    async fn an_overdue_client_may_still_come(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.until(instant("2026-11-20T08:30:00Z")).await;
        anar.departs(&order).await.status("on_the_way");
        anar.drives_to(world, &order, &kristal).await.ok();
        let arrived = anar.sees(&order).await;
        assert_eq!(arrived.ok()["overdue"], false);
        kristal.admits(&order).await.status("active");
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 0);
    }

    /// QO-6: one extension of ten minutes, here while overdue; the client is no longer overdue.
    async fn the_partner_extends_once_while_overdue(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.until(instant("2026-11-20T08:33:00Z")).await;
        assert_eq!(kristal.sees(&order).await.ok()["overdue"], true);
        let extended = kristal.extends(&order).await;
        assert_eq!(extended.at("arrival_deadline"), instant("2026-11-20T08:35:01Z"));
        let order_now = extended.status("confirmed");
        assert_eq!((&order_now["overdue"], &order_now["extensions"]), (&false.into(), &1.into()));
        kristal.extends(&order).await.refused_as("no_more_extensions", "confirmed");
        world.until(instant("2026-11-20T08:35:01Z")).await;
        kristal.declares_no_show(&order).await.refused("not_late_yet");
        world.until(instant("2026-11-20T08:45:01Z") + MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "no_show");
    }

    /// QO-6, QO-4: the same before the deadline; only an extension moves it.
    async fn the_partner_extends_before_the_deadline(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.advance(minutes(5)).await;
        anar.departs(&order).await.ok();
        let extended = kristal.extends(&order).await;
        extended.status("on_the_way");
        assert_eq!(extended.at("arrival_deadline"), instant("2026-11-20T08:35:01Z"));
        world.until(instant("2026-11-20T08:30:00Z")).await;
        assert_eq!(anar.sees(&order).await.ok()["overdue"], false);
    }

    /// ORD-5: past the partner's time to decide only the timer acts, even if it fires late.
    async fn past_the_time_to_decide_only_the_clock_acts(world) {
        let (kristal, anar, order) = awaited(world).await;
        world.until(instant("2026-11-20T08:30:00Z")).await;
        world.clock.set(instant("2026-11-20T08:35:01Z") + MICROSECOND);
        kristal.admits(&order).await.refused_as("not_in_this_status", "confirmed");
        kristal.extends(&order).await.refused("not_in_this_status");
        anar.departs(&order).await.refused("not_in_this_status");
        world.advance(TimeDelta::zero()).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "no_show");
    }
}
