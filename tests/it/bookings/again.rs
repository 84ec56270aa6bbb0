//! Undone and repeated steps of a booking: contested admissions, extensions, moves (BK-2, BK-6,
//! BK-8, ORD-10).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{Order, allowed, instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// ORD-10, BK-2: admitted early and contested, the booking has its own bay and time again.
    async fn ord_10_contested_it_has_its_own_time_again(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(50)).await;
        kristal.admits(&order).await.status("active");
        kristal.changes_services(&order, &["wash.body", "wash.full"]).await.ok();
        anar.contests(&order).await.status("confirmed");
        let seen = kristal.sees(&order).await;
        assert_eq!(seen.ok()["place"]["from"], "2026-11-20T16:00:00Z");
        assert_eq!(seen.ok()["place"]["until"], "2026-11-20T16:30:00Z");
        assert_eq!((seen.money("total"), seen.at("ends_at")), (1500, four + minutes(30)));
        let leyla = world.client("Leyla").await;
        leyla.asks_to_book(&kristal, &["wash.body"], four, 1500).await.refused("slot_taken");
        // Reminders whose time has passed are not sent a second time.
        world.advance(TimeDelta::zero()).await;
    }

    /// ORD-10, BK-10: the time released by the early admission stays released: the contested
    /// booking is overbooked, until it is moved to another slot.
    async fn ord_10_contested_after_its_slot_was_given_away(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(50)).await;
        kristal.admits(&order).await.status("active");
        leyla.has_booked(&kristal, four).await;
        let back = anar.contests(&order).await;
        assert_eq!(back.status("confirmed")["overbooked"], true);
        assert!(kristal.sees(&order).await.ok().get("place").is_none());
        kristal.proposes_start(&order, four + minutes(60)).await.ok();
        let moved = anar.answers(&order, "reschedule", "accept").await;
        assert_eq!(moved.status("confirmed")["overbooked"], false);
        let place = kristal.sees(&order).await.ok()["place"].clone();
        assert_eq!(place["from"], "2026-11-20T17:00:00Z");
        world.advance(TimeDelta::zero()).await;
    }

    /// BK-6, ADD-1: an extension adds ten minutes, before or after an add-on.
    async fn bk_6_an_extension_stays_with_what_is_added(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        kristal.extends(&order).await.ok();
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        let agreed = kristal.answers(&order, "add-ons", "accept").await;
        assert_eq!(agreed.at("ends_at"), four + minutes(90));
        assert_eq!(agreed.ok()["place"]["until"], "2026-11-20T17:40:00Z");
        // After a move it is another start, which may be extended anew.
        anar.proposes_start(&order, four + minutes(120)).await.ok();
        let moved = kristal.answers(&order, "reschedule", "accept").await;
        assert_eq!(moved.ok()["extensions"], 0);
        kristal.extends(&order).await.status("confirmed");
    }

    /// BK-8, PEN-1: a booking moved while cancelling was free – here in the ten minutes after a
    /// late acceptance – owes nothing for the move; the new start has its own free time.
    async fn bk_8_a_move_in_the_free_minutes_is_not_late(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-20T10:00:00Z")).await;
        let later = instant("2026-11-22T10:00:00Z");
        anar.proposes_start(&order, later).await.ok();
        kristal.answers(&order, "reschedule", "accept").await.status("confirmed");
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (0, &json!("in_time")));
        assert_eq!(anar.sees(&order).await.at("free_cancel_until"), later - minutes(180));
    }

    /// PEN-1: a start agreed less than three hours before it, also at the partner's request, may be
    /// cancelled free for ten minutes after that acceptance.
    async fn pen_1_a_new_start_has_its_own_ten_minutes(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-21T10:00:00Z")).await;
        world.until(instant("2026-11-21T06:00:00Z")).await;
        kristal.proposes_start(&order, instant("2026-11-21T08:00:00Z")).await.ok();
        anar.answers(&order, "reschedule", "accept").await.status("confirmed");
        assert_eq!(anar.quote(&order).await.ok()["reason"], "fresh_confirmation");
        world.advance(minutes(10) + MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
    }

    /// QO-7, BK-11: a car with an open order cannot be removed and added again.
    async fn bk_11_a_car_with_an_open_order_stays(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.has_booked(&kristal, instant("2026-11-21T10:00:00Z")).await;
        let path = format!("/v1/client/cars/{}", anar.car_id);
        let gone = anar.ask("DELETE", &path).send().await;
        assert_eq!(gone.refused("car_in_use")["order_id"], json!(order.id));
        anar.cancels(&order).await.ok();
        assert_eq!(anar.ask("DELETE", &path).send().await.status, 204);
    }

    /// BK-10: a branch whose bays are all inactive accepts no orders.
    async fn bk_10_all_bays_out_of_use_is_no_bay(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let bay = kristal.adds_bay("Bay 1", "wash").await;
        let placed: Order = anar.orders(&kristal).await;
        let path = format!("/v1/partner/bays/{bay}");
        kristal.ask("PATCH", &path).body(json!({"active": false})).send().await.ok();
        kristal.accepts(&placed).await.refused_as("bay_clash", "requested");
        let leyla = world.client("Leyla").await;
        leyla.places(&kristal, &["wash.body"], 1500).await.refused("no_bay");
    }

    /// ORD-1: `actions` offer nobody to accept their own proposal, and still offer an add-on to a
    /// client who waits at the branch.
    async fn ord_1_actions_follow_the_order_as_it_stands(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        let has = |reply: &crate::support::Reply, verb: &str| {
            allowed(reply.ok()).iter().any(|name| name == verb)
        };
        anar.proposes_start(&order, four + minutes(60)).await.ok();
        let (mine, theirs) = (anar.sees(&order).await, kristal.sees(&order).await);
        assert!(!has(&mine, "accept_reschedule") && has(&mine, "decline_reschedule"));
        assert!(has(&theirs, "accept_reschedule"));
        kristal.answers(&order, "reschedule", "decline").await.ok();
        world.until(four - minutes(10)).await;
        anar.drives_to(world, &order, &kristal).await.ok();
        assert!(has(&anar.sees(&order).await, "propose_add_on"));
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
    }
}
