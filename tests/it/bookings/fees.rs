//! The cost of cancelling a booking, and until when it is free (PEN-1, PEN-4, PEN-6).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// PEN-1: free until three hours before the start, a tenth after it.
    async fn pen_1_free_until_three_hours_before(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        world.until(instant("2026-11-20T13:00:00Z")).await;
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), quote.ok()["reason"].clone()), (0, json!("in_time")));
        assert_eq!(quote.at("free_until"), instant("2026-11-20T13:00:00Z"));
        world.advance(MICROSECOND).await;
        let late = anar.quote(&order).await;
        assert_eq!((late.money("fee"), late.ok()["reason"].clone()), (150, json!("late_cancel")));
        let over = anar.cancels(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "client_cancelled");
        assert_eq!(over.money("penalty"), 150);
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 1);
    }

    /// PEN-4: a free quote is honoured for its thirty seconds, past the free time.
    async fn pen_4_a_free_quote_is_honoured_past_the_free_time(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T16:00:00Z")).await;
        world.until(instant("2026-11-20T12:59:50Z")).await;
        let token = anar.quote(&order).await.ok()["token"].as_str().unwrap().to_owned();
        world.until(instant("2026-11-20T13:00:20Z")).await;
        let over = anar.cancels_with(&order, &token).await;
        assert_eq!(over.status("cancelled")["penalty"], json!(null));
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
    }

    /// PEN-1: confirmed less than three hours before the start, it is free for ten minutes after
    /// that.
    async fn pen_1_a_late_confirmation_gives_ten_minutes(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.books(&kristal, instant("2026-11-20T10:00:00Z")).await;
        world.advance(minutes(3)).await;
        kristal.accepts(&order).await.status("confirmed");
        world.until(instant("2026-11-20T08:13:00Z")).await;
        let quote = anar.quote(&order).await;
        assert_eq!(quote.ok()["reason"], "fresh_confirmation");
        assert_eq!((quote.money("fee"), quote.at("free_until")), (0, world.now()));
        world.advance(MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
    }

    /// PEN-1, PEN-3: a tenth, but at most 5.00.
    async fn pen_1_the_fee_of_a_booking_is_capped_at_five(world) {
        let (mut kristal, anar) = one_bay(world).await;
        let prices = json!([{"class": "sedan", "price": 9990, "minutes": 60}]);
        kristal.offers("polish", prices).await;
        let start = instant("2026-11-20T10:00:00Z");
        let booked = anar.asks_to_book(&kristal, &["polish"], start, 9990).await;
        let order = crate::support::Order::of(&booked);
        kristal.accepts(&order).await.ok();
        world.advance(minutes(20)).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 500);
    }

    /// PEN-1, ORD-7: the terms are those of the moment of placing, whatever changes later.
    async fn pen_1_the_terms_are_shown_before_and_kept(world) {
        let (kristal, anar) = one_bay(world).await;
        let start = instant("2026-11-20T16:00:00Z");
        let preview = anar.previews_booking(&kristal, &["wash.body"], start).await;
        let terms = &preview.ok()["cancellation"];
        assert_eq!(terms["free_until_at"], "2026-11-20T13:00:00Z");
        assert_eq!((&terms["fee_bp"], &terms["fee_cap"]["amount"]), (&json!(1000), &json!(500)));
        assert_eq!(terms["fresh_cancel_min"], 10);
        let order = anar.has_booked(&kristal, start).await;
        assert_eq!(anar.sees(&order).await.at("free_cancel_until"), start - minutes(180));
    }

    /// PEN-1: a partner's cancel is free for the client at any time, and the partner's fault.
    async fn pen_1_the_partner_cancels_free_for_the_client(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T10:00:00Z")).await;
        world.advance(minutes(30)).await;
        let over = kristal.cancels(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "partner_cancelled");
        assert_eq!(anar.penalties().await.ok()["items"], json!([]));
        assert_eq!(world.marks(&kristal.partner_id, "partner_cancelled").await, 1);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }
}
