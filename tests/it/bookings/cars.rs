//! A car is in one place at a time, whatever happens to its visits (BK-11).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::{Branch, Client, Order, World, instant, minutes};

/// Kristal and Shine with a bay each; the car is booked at Kristal at 12:00Z, and at Shine right
/// after it.
async fn two_visits(world: &World) -> (Branch, Branch, Client, [Order; 2]) {
    let (kristal, anar) = one_bay(world).await;
    let shine = world.branch("Shine").await;
    shine.adds_bay("Bay 1", "wash").await;
    let noon = instant("2026-11-20T12:00:00Z");
    let orders =
        [anar.has_booked(&kristal, noon).await, anar.has_booked(&shine, noon + minutes(30)).await];
    (kristal, shine, anar, orders)
}

both! {
    /// BK-7, BK-11: admitted half a second late, or served longer, the car still occupies its bay:
    /// its next visit elsewhere stands, and does not prevent serving it.
    async fn bk_11_a_car_that_is_served_is_kept_from_nowhere_else(world) {
        let (kristal, shine, anar, [first, second]) = two_visits(world).await;
        world.until(instant("2026-11-20T12:00:00Z") + TimeDelta::milliseconds(500)).await;
        kristal.admits(&first).await.status("active");
        let both = ["wash.body", "wash.full"];
        let longer = kristal.changes_services(&first, &both).await;
        longer.status("active");
        assert_eq!(longer.at("planned_end"), instant("2026-11-20T13:30:00.5Z"));
        anar.sees(&second).await.status("confirmed");
        let leyla = world.client("Leyla").await;
        let one = instant("2026-11-20T13:00:00Z");
        leyla.asks_to_book(&kristal, &["wash.body"], one, 1500).await.refused("slot_taken");
        leyla.asks_to_book(&shine, &["wash.body"], one, 1500).await.status("requested");
    }

    /// BK-11: a car is admitted early, while another branch expects it.
    async fn bk_11_a_car_is_taken_in_early_while_another_branch_waits(world) {
        let (_, shine, anar, [first, second]) = two_visits(world).await;
        world.until(instant("2026-11-20T12:00:30Z")).await;
        shine.admits(&second).await.status("active");
        anar.sees(&first).await.status("confirmed");
    }

    /// BK-6, BK-11: an extension is refused where the car is booked elsewhere then; the refusal
    /// does not tell the branch where.
    async fn bk_11_an_extension_ends_where_the_car_is_booked(world) {
        let (kristal, shine, anar, [first, second]) = two_visits(world).await;
        world.until(instant("2026-11-20T11:50:00Z")).await;
        let refused = kristal.extends(&first).await;
        let problem = refused.refused_as("car_booked", "confirmed");
        assert!(!problem.to_string().contains("Shine"), "{problem}");
        shine.cancels(&second).await.status("cancelled");
        kristal.extends(&first).await.status("confirmed");
        let half_past = instant("2026-11-20T12:30:00Z");
        let tried = anar.asks_to_book(&shine, &["wash.body"], half_past, 1500).await;
        assert_eq!(tried.refused("car_booked")["partner"], "Kristal");
    }

    /// ADD-1, BK-11: nor are services added that would overlap its next visit.
    async fn bk_11_an_add_on_ends_where_the_car_is_booked(world) {
        let (kristal, _, anar, [first, second]) = two_visits(world).await;
        anar.proposes_add_on(&first, &kristal, "wash.full").await.ok();
        kristal.answers(&first, "add-ons", "accept").await.refused("car_booked");
        assert_eq!(anar.sees(&first).await.money("total"), 1500);
        anar.cancels(&second).await.status("cancelled");
        kristal.answers(&first, "add-ons", "accept").await.status("confirmed");
    }

    /// BK-8, BK-11: a proposed start occupies the car too, as long as the proposal is open.
    async fn bk_11_a_proposed_start_keeps_the_car(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let (noon, two) = (instant("2026-11-20T12:00:00Z"), instant("2026-11-20T14:00:00Z"));
        let order = anar.has_booked(&kristal, noon).await;
        anar.proposes_start(&order, two).await.ok();
        let tried = anar.asks_to_book(&shine, &["wash.body"], two, 1500).await;
        assert_eq!(tried.refused("car_booked")["order_id"], order.id.as_str());
        kristal.answers(&order, "reschedule", "decline").await.ok();
        anar.books(&shine, two).await;
        // Now the branch proposes that time: its refusal gives no reason.
        let refused = kristal.proposes_start(&order, two).await;
        let problem = refused.refused("car_booked");
        assert!(problem.get("partner").is_none(), "{problem}");
        assert!(problem.get("order_id").is_none(), "{problem}");
        let own = anar.proposes_start(&order, two).await;
        assert_eq!(own.refused("car_booked")["partner"], "Shine");
    }

    /// BK-11: the client is warned of an overlap at a move as at placing; the branch is not told.
    async fn bk_11_a_move_over_another_order_is_warned_of(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let (noon, two) = (instant("2026-11-20T12:00:00Z"), instant("2026-11-20T14:00:00Z"));
        let order = anar.has_booked(&kristal, noon).await;
        anar.with_another("sedan").await.has_booked(&shine, two).await;
        let warned = json!(["overlaps_another_order"]);
        let proposed = anar.proposes_start(&order, two).await;
        assert_eq!(proposed.status("confirmed")["warnings"], warned);
        let moved = kristal.answers(&order, "reschedule", "accept").await;
        assert!(moved.status("confirmed").get("warnings").is_none());
        kristal.proposes_start(&order, noon).await.ok();
        let back = anar.answers(&order, "reschedule", "accept").await;
        assert!(back.status("confirmed").get("warnings").is_none());
        let asked = kristal.proposes_start(&order, two).await;
        assert!(asked.status("confirmed").get("warnings").is_none());
        let agreed = anar.answers(&order, "reschedule", "accept").await;
        assert_eq!(agreed.status("confirmed")["warnings"], warned);
    }

    /// BK-11, ORD-10: a booking that lost its bay still begins at its booked time; and a contested
    /// admission does not occupy the car where it was booked anew meanwhile.
    async fn bk_11_a_contested_booking_keeps_its_start(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(40)).await;
        kristal.admits(&order).await.status("active");
        let elsewhere = anar.books(&shine, four).await;
        world.client("Leyla").await.books(&kristal, four).await;
        anar.contests(&order).await.refused("car_booked");
        anar.cancels(&elsewhere).await.status("cancelled");
        let back = anar.contests(&order).await;
        assert_eq!(back.status("confirmed")["overbooked"], true);
        let tried = anar.asks_to_book(&shine, &["wash.body"], four, 1500).await;
        assert_eq!(tried.refused("car_booked")["order_id"], order.id.as_str());
        kristal.cancels(&order).await.status("cancelled");
    }

    /// BK-11, QO-8: alternatives are free for the car too: other slots, other branches.
    async fn bk_11_alternatives_are_free_for_the_car(world) {
        let (kristal, shine, anar, [_, second]) = two_visits(world).await;
        let noon = instant("2026-11-20T12:00:00Z");
        let tried = anar.asks_to_book(&shine, &["wash.body"], noon + minutes(30), 1500).await;
        let named = crate::support::booking::alternatives(tried.refused("slot_taken"));
        assert!(!named.is_empty() && !named.contains(&noon), "{named:?}");
        shine.cancels(&second).await.status("cancelled");
        let found = anar.alternatives(&second).await;
        let items = found.ok()["items"].as_array().unwrap();
        let at_kristal = items.iter().find(|i| i["partner"]["id"] == kristal.partner_id.as_str());
        let starts_at = &at_kristal.unwrap()["place"]["starts_at"];
        assert_eq!(starts_at, "2026-11-20T12:30:00Z");
    }
}
