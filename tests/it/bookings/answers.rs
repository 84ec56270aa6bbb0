//! The partner answers a request in time, or a timer ends it (BK-3, BK-9).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{allowed, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// BK-3: thirty minutes to answer if the start is more than two hours away, otherwise five, and
    /// never later than fifteen minutes before the start.
    async fn bk_3_the_time_to_answer_follows_the_lead_time(world) {
        let (kristal, anar) = one_bay(world).await;
        for (start, answer_by) in [
            ("2026-11-20T10:15:00Z", "2026-11-20T08:30:00Z"),
            ("2026-11-20T10:00:00Z", "2026-11-20T08:05:00Z"),
            ("2026-11-20T08:30:00Z", "2026-11-20T08:05:00Z"),
        ] {
            let preview = anar.previews_booking(&kristal, &["wash.body"], instant(start)).await;
            assert_eq!(preview.at("answer_by"), instant(answer_by), "{start}");
            let order = anar.books(&kristal, instant(start)).await;
            let seen = anar.sees(&order).await;
            assert_eq!(seen.at("offer_deadline"), instant(answer_by), "{start}");
            anar.cancels(&order).await.status("cancelled");
        }
        world.advance(minutes(2)).await;
        // 08:32 is 28 minutes before 09:00: the notice is 30.
        let soon = instant("2026-11-20T08:30:00Z");
        anar.asks_to_book(&kristal, &["wash.body"], soon, 1500).await.refused("slot_too_soon");
    }

    /// BK-9, ORD-5: an answer at the last instant counts, a microsecond later the request has
    /// expired; its bay is free again and no reminder is sent.
    async fn bk_9_an_unanswered_request_expires(world) {
        let (kristal, anar) = one_bay(world).await;
        let tomorrow = instant("2026-11-21T12:00:00Z");
        let order = anar.books(&kristal, tomorrow).await;
        let mut feed = anar.follows().await;
        world.until(instant("2026-11-20T08:30:00Z")).await;
        anar.sees(&order).await.status("requested");
        world.advance(MICROSECOND).await;
        let over = anar.sees(&order).await;
        assert_eq!(over.status("cancelled")["reason"], "offer_expired");
        assert_eq!(over.ok()["undelivered"], true);
        kristal.accepts(&order).await.refused_as("order_closed", "cancelled");
        feed.hears("order.expired").await;
        let leyla = world.client("Leyla").await;
        leyla.books(&kristal, tomorrow).await;
        world.until(tomorrow).await;
        anar.cancels(&order).await.refused("order_closed");
        let heard = anar.get("/v1/feed/events?after=0").await;
        let reminded = heard.ok()["events"].as_array().unwrap().clone();
        assert!(reminded.iter().all(|event| event["event"] != "order.reminder"), "{reminded:?}");
    }

    /// BK-3, COM-3: an acceptance at the last instant holds the commission.
    async fn bk_3_a_yes_at_the_last_instant(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.books(&kristal, instant("2026-11-21T12:00:00Z")).await;
        world.clock.set(instant("2026-11-20T08:30:00Z"));
        let yes = kristal.accepts(&order).await;
        yes.status("confirmed");
        assert_eq!(yes.at("depart_from"), instant("2026-11-21T09:00:00Z"));
        assert_eq!(yes.at("depart_deadline"), instant("2026-11-21T12:01:00Z"));
        assert_eq!(yes.at("arrival_deadline"), instant("2026-11-21T12:10:00Z"));
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        let actions = &yes.ok()["actions"];
        assert_eq!(allowed(yes.ok()), ["cancel", "extend", "propose_reschedule"]);
        // Taken in from an hour before the start, until it burns unless the client departs.
        assert_eq!(actions["admit"], json!({
            "allowed": false, "code": "too_early_to_admit",
            "from": "2026-11-21T11:00:00Z", "until": "2026-11-21T12:01:00Z",
        }));
        assert_eq!(actions["no_show"], json!({
            "allowed": false, "code": "not_late_yet", "from": "2026-11-21T12:10:00Z",
        }));
    }

    /// BK-3: past the deadline only the timer acts, even if it fires late.
    async fn bk_3_past_the_deadline_only_the_clock_answers(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.books(&kristal, instant("2026-11-21T12:00:00Z")).await;
        world.clock.set(instant("2026-11-20T08:30:00Z") + MICROSECOND);
        kristal.accepts(&order).await.refused_as("offer_expired", "requested");
        kristal.declines(&order).await.refused("offer_expired");
        world.advance(TimeDelta::zero()).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "offer_expired");
    }

    /// BK-9, QO-8: after a decline the client gets alternatives, each placed with one call.
    async fn bk_9_after_a_no_there_are_alternatives_near_the_time(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let bare = world.branch("Bare").await;
        let noon = instant("2026-11-21T12:00:00Z");
        world.client("Leyla").await.books(&shine, noon).await;
        let order = anar.books(&kristal, noon).await;
        kristal.declines(&order).await.status("cancelled");
        let found = anar.alternatives(&order).await;
        let items = found.ok()["items"].as_array().unwrap().clone();
        assert!(items.iter().all(|item| item["place"]["partner_id"] != json!(bare.partner_id)));
        let place = items[0]["place"].clone();
        assert_eq!(place["partner_id"], json!(shine.partner_id));
        // Noon is taken there for half an hour.
        assert_eq!(place["starts_at"], "2026-11-21T11:30:00Z");
        anar.post("/v1/client/orders", place).await.status("requested");
    }
}
