//! Answers to an offer: in time, too late, and to an offer that was not delivered.

use chrono::TimeDelta;

use crate::support::{instant, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// QO-2, ORD-5: thirty seconds are shown, two more granted; the last microsecond still counts.
    async fn a_yes_at_the_last_microsecond_of_the_grace_counts(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let seen = kristal.sees(&order).await;
        assert_eq!(seen.at("offer_deadline"), instant("2026-11-20T08:00:30Z"));
        assert_eq!(seen.at("server_now"), instant("2026-11-20T08:00:00Z"));
        world.until(instant("2026-11-20T08:00:32Z")).await;
        kristal.accepts(&order).await.status("confirmed");
    }

    /// ORD-5: a microsecond past the grace is too late, even before the timer has fired.
    async fn a_yes_a_microsecond_after_the_grace_is_refused(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.clock.set(instant("2026-11-20T08:00:32.000001Z"));
        kristal.accepts(&order).await.refused_as("offer_expired", "requested");
        kristal.declines(&order).await.refused_as("offer_expired", "requested");
        world.advance(TimeDelta::zero()).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "offer_expired");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// ORD-5, QO-2: the timer fires only strictly after the end of the grace.
    async fn the_clock_ends_an_offer_strictly_after_its_time(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.until(instant("2026-11-20T08:00:32Z")).await;
        anar.sees(&order).await.status("requested");
        world.advance(MICROSECOND).await;
        let lapsed = anar.sees(&order).await;
        lapsed.status("cancelled");
        assert_eq!(lapsed.at("cancelled_at"), instant("2026-11-20T08:00:32.000001Z"));
        // QO-8: there is no other branch near, so the list is empty.
        assert_eq!(anar.alternatives(&order).await.ok()["items"], serde_json::json!([]));
    }

    /// ORD-6: an offer that was delivered to no device is no strike against the partner (SAN-2).
    async fn an_offer_that_reached_no_device_is_undelivered(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = kristal.follows().await;
        let order = anar.orders(&kristal).await;
        // The event was written to the socket; the device never acknowledged it.
        hears.hears("order.requested").await;
        world.advance(seconds(33)).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["undelivered"], true);
        assert_eq!(world.marks(&kristal.partner_id, "ignored").await, 0);
    }

    /// ORD-6, SAN-2: a delivered and unanswered offer is ignored, and counts as a strike.
    async fn an_offer_a_device_had_and_nobody_answered_is_ignored(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = kristal.follows().await;
        let order = anar.orders(&kristal).await;
        hears.hears("order.requested").await;
        hears.acks().await;
        world.advance(seconds(33)).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["undelivered"], false);
        assert_eq!(world.marks(&kristal.partner_id, "ignored").await, 1);
        assert_eq!(world.marks(&kristal.partner_id, "declined").await, 0);
    }

    /// ORD-6: an acknowledgement after the deadline delivers nothing.
    async fn an_offer_acknowledged_too_late_is_undelivered(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = kristal.follows().await;
        let order = anar.orders(&kristal).await;
        hears.hears("order.requested").await;
        world.clock.set(instant("2026-11-20T08:00:32.000001Z"));
        hears.acks().await;
        world.advance(seconds(1)).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["undelivered"], true);
        assert_eq!(world.marks(&kristal.partner_id, "ignored").await, 0);
    }

    /// SAN-2, ORD: declining counts against the partner; before an answer the client cancels free.
    async fn a_no_counts_and_a_client_leaves_an_offer_free(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let first = anar.orders(&kristal).await;
        kristal.declines(&first).await.status("cancelled");
        assert_eq!(world.marks(&kristal.partner_id, "declined").await, 1);
        let second = anar.orders(&kristal).await;
        world.advance(seconds(20)).await;
        let quote = anar.quote(&second).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (0, &"before_acceptance".into()));
        let left = anar.cancels(&second).await;
        assert_eq!(left.status("cancelled")["reason"], "client_cancelled");
        assert!(left.ok()["penalty"].is_null());
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
    }
}
