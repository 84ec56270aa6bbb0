//! Reminders of a booking, computed from its current state (NOT-5).

use serde_json::{Value, json};

use super::one_bay;
use crate::support::{Client, instant, minutes};

/// The reminders emitted so far: kind, and the minutes left.
async fn reminders(client: &Client) -> Vec<(String, i64)> {
    let events = client.get("/v1/feed/events?after=0").await;
    let of = |event: &Value| {
        let note = &event["data"]["note"];
        (note["reminder"].as_str().unwrap().to_owned(), note["minutes_left"].as_i64().unwrap())
    };
    let events = events.ok()["events"].as_array().unwrap().clone();
    events.iter().filter(|event| event["event"] == "order.reminder").map(of).collect()
}

both! {
    /// BK-5, NOT-5: a day before, two hours before, and when it is time to leave: the route of 901
    /// s and ten minutes before the start.
    async fn bk_5_reminded_a_day_two_hours_and_a_route_before(world) {
        let (kristal, anar) = one_bay(world).await;
        let start = instant("2026-11-22T12:00:00Z");
        let order = anar.has_booked(&kristal, start).await;
        world.until(start - minutes(1440)).await;
        assert_eq!(reminders(&anar).await, []);
        world.advance(minutes(1)).await;
        assert_eq!(reminders(&anar).await, [("day".to_owned(), 1439)]);
        world.until(start - minutes(26)).await;
        assert_eq!(reminders(&anar).await.len(), 2);
        world.until(start - minutes(24)).await;
        let told = reminders(&anar).await;
        assert_eq!(told[1..], [("soon".to_owned(), 119), ("leave".to_owned(), 25)]);
        assert_eq!(kristal.sees(&order).await.ok()["version"], json!(2));
        anar.departs(&order).await.status("on_the_way");
    }

    /// NOT-5, BK-8: after a move only the new start is reminded of; after a cancel nothing.
    async fn bk_8_a_moved_booking_reminds_of_its_new_start(world) {
        let (kristal, anar) = one_bay(world).await;
        let start = instant("2026-11-22T12:00:00Z");
        let order = anar.has_booked(&kristal, start).await;
        world.until(start - minutes(1430)).await;
        anar.proposes_start(&order, start + minutes(1440)).await.ok();
        kristal.answers(&order, "reschedule", "accept").await.ok();
        world.until(start + minutes(5)).await;
        let told = reminders(&anar).await;
        assert_eq!(told, [("day".to_owned(), 1439), ("day".to_owned(), 1439)]);
        anar.cancels(&order).await.status("cancelled");
        world.until(start + minutes(1500)).await;
        assert_eq!(reminders(&anar).await.len(), 2);
    }

    /// NOT-5: for a booking at short notice only the reminders still due are sent.
    async fn bk_5_booked_for_soon_only_the_rest_is_told(world) {
        let (kristal, anar) = one_bay(world).await;
        let start = instant("2026-11-20T09:30:00Z");
        anar.has_booked(&kristal, start).await;
        world.until(start).await;
        assert_eq!(reminders(&anar).await, [("leave".to_owned(), 25)]);
    }
}
