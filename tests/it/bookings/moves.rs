//! Moving a booking to another start (BK-8).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::booking::hours;
use crate::support::{instant, minutes};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// BK-8: the new slot is held while the proposal is open, the old one until it is accepted;
    /// order, hold and history stay.
    async fn bk_8_the_new_slot_is_held_before_the_old_is_let_go(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        let proposed = anar.proposes_start(&order, six).await;
        let proposal = &proposed.status("confirmed")["proposal"];
        assert_eq!((&proposal["kind"], &proposal["by"]), (&json!("reschedule"), &json!("client")));
        assert_eq!(proposal["expires_at"], "2026-11-20T08:30:00Z");
        // The proposed bay is not shown to the client.
        assert!(proposal.get("place").is_none(), "{proposal}");
        let seen = kristal.sees(&order).await;
        assert_eq!(seen.ok()["proposal"]["place"]["from"], "2026-11-20T18:00:00Z");
        for start in [four, six] {
            let tried = leyla.asks_to_book(&kristal, &["wash.body"], start, 1500).await;
            tried.refused("slot_taken");
        }
        let moved = kristal.answers(&order, "reschedule", "accept").await;
        assert_eq!(moved.status("confirmed")["reschedules"], 1);
        assert_eq!((moved.at("starts_at"), moved.at("ends_at")), (six, six + minutes(30)));
        assert_eq!(moved.at("depart_from"), six - hours(3));
        assert_eq!(moved.ok()["proposal"], json!(null));
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        leyla.books(&kristal, four).await;
        // Its timers now follow the new start.
        world.until(four + minutes(20)).await;
        anar.sees(&order).await.status("confirmed");
        world.until(six + minutes(1) + MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "burned");
    }

    /// BK-8: declined, withdrawn or unanswered, the new slot is free again and nothing has changed.
    async fn bk_8_without_a_yes_nothing_changes(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        anar.proposes_start(&order, six).await.ok();
        anar.proposes_start(&order, six).await.refused("proposal_pending");
        let declined = kristal.answers(&order, "reschedule", "decline").await;
        assert_eq!(declined.at("starts_at"), four);
        anar.proposes_start(&order, six).await.ok();
        anar.answers(&order, "reschedule", "accept").await.refused("proposal_yours");
        anar.answers(&order, "reschedule", "decline").await.status("confirmed");
        anar.proposes_start(&order, six).await.ok();
        world.advance(minutes(30)).await;
        assert_eq!(anar.sees(&order).await.ok()["proposal"]["kind"], "reschedule");
        world.clock.set(world.now() + MICROSECOND);
        kristal.answers(&order, "reschedule", "accept").await.refused("proposal_over");
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.ok()["proposal"], json!(null));
        kristal.answers(&order, "reschedule", "accept").await.refused("no_such_proposal");
        leyla.books(&kristal, six).await;
        assert_eq!(anar.sees(&order).await.ok()["reschedules"], 0);
    }

    /// BK-8: a move by a quarter of an hour within the same bay: the overlap is held once.
    async fn bk_8_a_move_may_overlap_itself(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        for (n, start) in [four + minutes(15), four, four - minutes(15)].into_iter().enumerate() {
            kristal.proposes_start(&order, start).await.ok();
            let moved = anar.answers(&order, "reschedule", "accept").await;
            assert_eq!((moved.at("starts_at"), &moved.ok()["reschedules"]), (start, &json!(n + 1)));
        }
        // Three moves at most.
        anar.proposes_start(&order, four).await.refused("too_many_moves");
        let leyla = world.client("Leyla").await;
        let tried = leyla.asks_to_book(&kristal, &["wash.body"], four, 1500).await;
        tried.refused("slot_taken");
        leyla.books(&kristal, four + minutes(15)).await;
    }

    /// BK-8: the proposal expires fifteen minutes before the start; then it is too late to move.
    async fn bk_8_not_shortly_before_the_start(world) {
        let (kristal, anar) = one_bay(world).await;
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(25)).await;
        let proposed = anar.proposes_start(&order, six).await;
        assert_eq!(proposed.ok()["proposal"]["expires_at"], "2026-11-20T15:45:00Z");
        kristal.answers(&order, "reschedule", "decline").await.ok();
        world.until(four - minutes(15) + MICROSECOND).await;
        anar.proposes_start(&order, six).await.refused("too_late_to_move");
        kristal.proposes_start(&order, six).await.refused("too_late_to_move");
    }

    /// BK-8, PEN-1: a client who moves when cancelling is no longer free still pays.
    async fn bk_8_no_escape_by_moving_late(world) {
        let (kristal, anar) = one_bay(world).await;
        let (four, tomorrow) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-21T16:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(180) + MICROSECOND).await;
        anar.proposes_start(&order, tomorrow).await.ok();
        kristal.answers(&order, "reschedule", "accept").await.status("confirmed");
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (150, &json!("moved_late")));
        assert_eq!(anar.cancels(&order).await.money("penalty"), 150);
    }

    /// BK-8: a late move at the partner's request costs the client nothing.
    async fn bk_8_a_move_the_partner_wanted_costs_nothing(world) {
        let (kristal, anar) = one_bay(world).await;
        let (four, tomorrow) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-21T16:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(60)).await;
        anar.departs(&order).await.status("on_the_way");
        kristal.proposes_start(&order, tomorrow).await.status("on_the_way");
        let moved = anar.answers(&order, "reschedule", "accept").await;
        assert_eq!(moved.status("confirmed")["departed_at"], json!(null));
        assert_eq!(anar.quote(&order).await.money("fee"), 0);
        anar.cancels(&order).await.status("cancelled");
        assert_eq!(anar.penalties().await.ok()["items"], json!([]));
    }

    /// ORD-8: an end and an admission close an open proposal, and release what it held.
    async fn ord_8_an_end_closes_what_was_proposed(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let (four, six) = (instant("2026-11-20T16:00:00Z"), instant("2026-11-20T18:00:00Z"));
        let order = anar.has_booked(&kristal, four).await;
        anar.proposes_start(&order, six).await.ok();
        anar.cancels(&order).await.status("cancelled");
        let again = leyla.has_booked(&kristal, four).await;
        world.until(four - minutes(30)).await;
        leyla.proposes_start(&again, six).await.ok();
        let active = kristal.admits(&again).await;
        assert_eq!(active.status("active")["proposal"], json!(null));
        anar.books(&kristal, six).await;
    }
}
