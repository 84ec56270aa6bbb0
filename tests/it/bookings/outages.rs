//! Bookings during our own outages (OUT-1).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{Order, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// OUT-1, BK-3: the time to answer moves; down 08:29, due 08:30, up 08:40: until 08:41.
    async fn out_1_the_time_to_answer_a_booking_moves(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.books(&kristal, instant("2026-11-20T12:00:00Z")).await;
        world.until(instant("2026-11-20T08:29:00Z")).await;
        world.is_down_for(minutes(11)).await;
        let moved = anar.sees(&order).await;
        assert_eq!(moved.at("offer_deadline"), instant("2026-11-20T08:41:00Z"));
        world.until(instant("2026-11-20T08:41:00Z")).await;
        kristal.accepts(&order).await.status("confirmed");
    }

    /// OUT-1, BK-3, ORD-6: but never past a quarter of an hour before the start: then the request
    /// expires, without a strike for the branch that had it.
    async fn out_1_a_booking_is_not_answered_after_its_start(world) {
        let (kristal, anar) = one_bay(world).await;
        let mut device = kristal.follows().await;
        let order = anar.books(&kristal, instant("2026-11-20T08:30:00Z")).await;
        device.hears("order.requested").await;
        device.acks().await;
        world.until(instant("2026-11-20T08:04:00Z")).await;
        world.is_down_for(minutes(30)).await;
        // Due 08:05, up 08:34, and the start was at 08:30.
        kristal.accepts(&order).await.refused_as("offer_expired", "requested");
        world.advance(TimeDelta::zero()).await;
        let over = anar.sees(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "offer_expired");
        assert_eq!(over.ok()["undelivered"], true);
        assert_eq!(over.ok()["penalty"], json!(null));
        assert_eq!(world.marks(&kristal.partner_id, "ignored").await, 0);
    }

    /// OUT-1, BK-8: the time to answer a move moves too, and ends before either start.
    async fn out_1_a_proposal_moves_but_not_past_the_start(world) {
        let (kristal, anar) = one_bay(world).await;
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        anar.proposes_start(&order, six).await.ok();
        world.until(instant("2026-11-20T08:20:00Z")).await;
        world.is_down_for(minutes(20)).await;
        // Due 08:30, ten minutes into it; up 08:40.
        let moved = anar.sees(&order).await;
        assert_eq!(moved.ok()["proposal"]["expires_at"], "2026-11-20T08:50:00Z");
        world.until(instant("2026-11-20T08:50:00Z")).await;
        kristal.answers(&order, "reschedule", "decline").await.ok();
        world.until(four - minutes(20)).await;
        let late = anar.proposes_start(&order, six).await;
        assert_eq!(late.ok()["proposal"]["expires_at"], "2026-11-20T15:45:00Z");
        world.is_down_for(minutes(15)).await;
        let path = format!("/v1/partner/orders/{}/reschedule", order.id);
        let id = late.ok()["proposal"]["id"].as_str().unwrap().to_owned();
        let version = kristal.version(&order).await;
        let path = format!("{path}/{id}/accept");
        let tried = kristal.ask("POST", &path).seen(version).body(json!({})).send().await;
        tried.refused("proposal_over");
        world.advance(TimeDelta::zero()).await;
        let stays = anar.sees(&order).await;
        assert_eq!((stays.at("starts_at"), &stays.ok()["proposal"]), (four, &json!(null)));
    }

    /// OUT-1, PEN-1: the free time moves, as the client could not cancel meanwhile; down 12:50, due
    /// 13:00, up 13:20: until 13:30.
    async fn out_1_the_free_time_moves(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        world.until(instant("2026-11-20T12:50:00Z")).await;
        world.is_down_for(minutes(30)).await;
        world.until(instant("2026-11-20T13:30:00Z")).await;
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (0, &json!("in_time")));
        assert_eq!(quote.at("free_until"), world.now());
        world.advance(MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
    }

    /// OUT-1, PEN-1: so do the minutes after a late acceptance: until 08:10, down 08:05, up 08:20.
    async fn out_1_the_minutes_after_a_late_yes_move(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T10:00:00Z")).await;
        world.until(instant("2026-11-20T08:05:00Z")).await;
        world.is_down_for(minutes(15)).await;
        world.until(instant("2026-11-20T08:25:00Z")).await;
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), quote.at("free_until")), (0, world.now()));
        world.advance(MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
    }

    /// OUT-1, ORD-10: so do the minutes to say "I am not there".
    async fn out_1_the_minutes_to_contest_move(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let (order, other): (Order, Order) =
            (anar.orders(&kristal).await, leyla.orders(&kristal).await);
        kristal.adds_bay("Bay 2", "wash").await;
        for order in [&order, &other] {
            kristal.accepts(order).await.ok();
            kristal.admits(order).await.status("active");
        }
        world.until(instant("2026-11-20T08:05:00Z")).await;
        world.is_down_for(minutes(15)).await;
        world.until(instant("2026-11-20T08:25:00Z")).await;
        anar.contests(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        leyla.contests(&other).await.refused_as("contest_over", "active");
    }
}
