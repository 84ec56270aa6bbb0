//! Requests for a slot: what is free, what is refused, and the alternatives (BK-1, BK-2, BK-11).

use chrono::TimeDelta;
use serde_json::json;

use super::one_bay;
use crate::support::booking::{alternatives, hours};
use crate::support::people::Support;
use crate::support::{Branch, Order, Person, instant, minutes};

both! {
    /// BK-1, BK-2: a request holds its bay until it is answered; a second one is refused with the
    /// nearest alternatives, in the order of time.
    async fn bk_2_a_request_holds_its_bay(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let noon = instant("2026-11-20T12:00:00Z");
        let order = anar.books(&kristal, noon).await;
        let seen = anar.sees(&order).await;
        seen.status("requested");
        assert_eq!((seen.at("starts_at"), seen.at("ends_at")), (noon, noon + minutes(30)));
        let quarter = instant("2026-11-20T12:15:00Z");
        let gone = leyla.asks_to_book(&kristal, &["wash.body"], quarter, 1500).await;
        let free = alternatives(gone.refused("slot_taken"));
        let expected = ["11:15", "11:30", "12:30", "12:45", "13:00"];
        let expected = expected.map(|at| instant(&format!("2026-11-20T{at}:00Z")));
        assert_eq!(free, expected);
        // An alternative can be booked as it is, and so can the slot once it is released.
        leyla.books(&kristal, free[2]).await;
        kristal.declines(&order).await.status("cancelled");
        let farid = world.client("Farid").await;
        farid.books(&kristal, noon).await;
    }

    /// BK-1: occupancy is the sum of the durations and the buffer after them, for the car's class.
    async fn bk_1_durations_of_the_class_and_the_rest_after_them(world) {
        let (kristal, anar) = one_bay(world).await;
        let suv = world.client_with("Leyla", "suv").await;
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        let rests = kristal.ask("PATCH", &path).body(json!({"buffer_min": 10})).send().await;
        assert_eq!(rests.ok()["buffer_min"], 10);
        // 40 and 75 minutes for an SUV, and a buffer of ten: 12:00 to 14:05.
        let noon = instant("2026-11-20T12:00:00Z");
        let both = ["wash.body", "wash.full"];
        let booked = suv.asks_to_book(&kristal, &both, noon, 5500).await;
        assert_eq!(booked.at("ends_at"), instant("2026-11-20T13:55:00Z"));
        let two = instant("2026-11-20T14:00:00Z");
        anar.asks_to_book(&kristal, &["wash.body"], two, 1500).await.refused("slot_taken");
        anar.books(&kristal, instant("2026-11-20T14:15:00Z")).await;
        // The buffer occupies the bay only: 11:30 to 12:00 and ten minutes more do not fit.
        let farid = world.client("Farid").await;
        let before = instant("2026-11-20T11:30:00Z");
        farid.asks_to_book(&kristal, &["wash.body"], before, 1500).await.refused("slot_taken");
        farid.books(&kristal, instant("2026-11-20T11:15:00Z")).await;
    }

    /// BK-1, BK-3: each invalid start has its own code, and nothing is placed.
    async fn bk_1_every_wrong_start_has_its_own_code(world) {
        let (kristal, anar) = one_bay(world).await;
        kristal.keeps_hours(&[(9 * 60, 13 * 60), (14 * 60, 20 * 60)]).await.ok();
        for (start, code) in [
            ("2026-11-20T07:45:00Z", "slot_past"),
            ("2026-11-20T08:15:00Z", "slot_too_soon"),
            ("2026-12-20T08:00:00Z", "slot_too_far"),
            ("2026-11-20T12:07:00Z", "slot_off_grid"),
            ("2026-11-20T12:00:30Z", "slot_off_grid"),
            // Open 09:00–13:00 and 14:00–20:00 in Baku: 05:00–09:00 and 10:00–16:00 UTC.
            ("2026-11-20T17:00:00Z", "slot_outside_hours"),
            ("2026-11-20T09:30:00Z", "slot_outside_hours"),
            ("2026-11-20T08:45:00Z", "slot_outside_hours"),
            ("2026-11-20T15:45:00Z", "slot_outside_hours"),
        ] {
            let tried = anar.asks_to_book(&kristal, &["wash.body"], instant(start), 1500).await;
            let problem = tried.refused(code);
            let names = code == "slot_too_soon" || code == "slot_outside_hours";
            assert_eq!(problem.get("alternatives").is_some(), names, "{start}: {problem}");
            let shown = anar.previews_booking(&kristal, &["wash.body"], instant(start)).await;
            shown.refused(code);
        }
        assert_eq!(anar.get("/v1/client/orders").await.ok()["items"], json!([]));
        // 19:30 to 20:00 in Baku ends exactly at closing time.
        anar.books(&kristal, instant("2026-11-20T15:30:00Z")).await;
    }

    /// BK-1: a service that does not exist, is inactive, or costs more now.
    async fn bk_1_services_and_prices_as_they_are_now(world) {
        let (kristal, anar) = one_bay(world).await;
        let (shine, noon) = (world.branch("Shine").await, instant("2026-11-20T12:00:00Z"));
        let mut wish = anar.booking(&kristal, &["wash.body"], noon);
        wish["shown_total"] = json!(1500);
        wish["service_ids"] = json!([shine.service("wash.body")]);
        anar.post("/v1/client/orders", wish).await.refused("service_unknown");
        kristal.reprices("wash.body", 1800, 30).await.ok();
        let changed = anar.asks_to_book(&kristal, &["wash.body"], noon, 1500).await;
        assert_eq!(changed.refused("price_changed")["total"]["amount"], 1800);
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        kristal.ask("PATCH", &path).body(json!({"active": false})).send().await.ok();
        let stopped = anar.asks_to_book(&kristal, &["wash.body"], noon, 1800).await;
        stopped.refused("service_stopped");
        assert_eq!(anar.get("/v1/client/orders").await.ok()["items"], json!([]));
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// BK-1: the services determine the kind of bay; a branch without one takes no booking.
    async fn bk_1_a_bay_of_the_right_kind(world) {
        let (kristal, anar) = one_bay(world).await;
        let path = format!("/v1/partner/services/{}", kristal.service("wash.full"));
        kristal.ask("PATCH", &path).body(json!({"bay_kind": "lift"})).send().await.ok();
        let noon = instant("2026-11-20T12:00:00Z");
        let tried = anar.asks_to_book(&kristal, &["wash.full"], noon, 2500).await;
        tried.refused("no_bay");
        let lift = kristal.adds_bay("Lift", "lift").await;
        let booked = anar.asks_to_book(&kristal, &["wash.full"], noon, 2500).await;
        let order = crate::support::Order::of(&booked);
        assert_eq!(kristal.sees(&order).await.ok()["place"]["bay_id"], json!(lift));
        assert!(anar.sees(&order).await.ok().get("place").is_none());
        let leyla = world.client("Leyla").await;
        leyla.books(&kristal, noon).await;
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        kristal.ask("PATCH", &path).body(json!({"bay_kind": "wash"})).send().await.ok();
        let farid = world.client("Farid").await;
        let both = ["wash.body", "wash.full"];
        let later = noon + hours(4);
        farid.asks_to_book(&kristal, &both, later, 4000).await.refused("different_bays");
    }

    /// BK-11: the same client in two places at once is warned, the same car is refused.
    async fn bk_11_the_same_client_is_warned_the_same_car_refused(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        let noon = instant("2026-11-20T12:00:00Z");
        anar.has_booked(&kristal, noon).await;
        let twice = anar.asks_to_book(&shine, &["wash.body"], noon, 1500).await;
        let problem = twice.refused("car_booked");
        assert_eq!(problem["starts_at"], "2026-11-20T12:00:00Z");
        let other = anar.with_another("sedan").await;
        let preview = other.previews_booking(&shine, &["wash.body"], noon).await;
        assert_eq!(preview.ok()["warnings"], json!(["overlaps_another_order"]));
        let placed = other.asks_to_book(&shine, &["wash.body"], noon, 1500).await;
        assert_eq!(placed.status("requested")["warnings"], json!(["overlaps_another_order"]));
        shine.accepts(&Order::of(&placed)).await.status("confirmed");
        // Right after it there is no overlap.
        let later = noon + minutes(30);
        let third = anar.asks_to_book(&shine, &["wash.body"], later, 1500).await;
        assert!(third.status("requested").get("warnings").is_none());
    }

    /// BK-11: the slots for a certain car exclude its other bookings, their buffer included; those
    /// for its class do not.
    async fn bk_11_the_slots_of_a_car_leave_out_when_it_is_booked(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        shine.adds_bay("Bay 1", "wash").await;
        anar.books(&shine, instant("2026-11-20T12:00:00Z")).await;
        let starts = async |whom: String| {
            let path = format!("/v1/client/partners/{}/slots", kristal.partner_id);
            let service = kristal.service("wash.body");
            let path = format!("{path}?date=2026-11-20&services={service}&{whom}");
            let found = anar.get(&path).await;
            let slots = found.ok()["slots"].as_array().unwrap().clone();
            let at = |slot: &serde_json::Value| slot["starts_at"].as_str().unwrap().to_owned();
            slots.iter().map(at).collect::<Vec<_>>()
        };
        let mut all = starts("class=sedan".to_owned()).await;
        let own = starts(format!("car_id={}", anar.car_id)).await;
        let gone = ["11:45", "12:00", "12:15"].map(|at| format!("2026-11-20T{at}:00Z"));
        assert!(gone.iter().all(|start| all.contains(start)), "{all:?}");
        all.retain(|start| !gone.contains(start));
        assert_eq!(own, all);
    }

    /// BK-11, QO-7: a car booked for the time of the visit cannot be ordered for now.
    async fn bk_11_a_booked_car_is_not_ordered_for_now(world) {
        let (kristal, anar) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        anar.books(&kristal, instant("2026-11-20T08:30:00Z")).await;
        // It would arrive at 08:15 and be served until 08:45.
        anar.places(&shine, &["wash.body"], 1500).await.refused("car_booked");
        world.advance(TimeDelta::minutes(5)).await;
        let other = anar.with_another("sedan").await;
        other.places(&shine, &["wash.body"], 1500).await.status("requested");
    }

    /// BK-12, BK-1: the night in which Berlin skips from 02:00 to 03:00: the skipped labels are no
    /// slots, an hour lasts an hour, and the day has twenty-three.
    async fn bk_12_a_booking_over_the_change_of_the_clock(world) {
        world.advance(TimeDelta::days(110)).await;
        let phone = world.support().phone.clone();
        world.support = Support(Person::signs_in(&world.scene, "Support", &phone).await);
        let spree = Branch::opens_in(world.support(), "Spree", 5000, "Europe/Berlin").await;
        spree.adds_bay("Bay 1", "wash").await;
        let anar = world.client("Anar").await;
        let wash = spree.service("wash.full");
        let path = format!("/v1/client/partners/{}/slots?services={wash}", spree.partner_id);
        let found = anar.get(&format!("{path}&date=2027-03-28&class=sedan")).await;
        let starts: Vec<_> = found.ok()["slots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slot| slot["starts_at"].as_str().unwrap().to_owned())
            .collect();
        // At 00:00 winter time applies: 23:00Z; up to 23:45 it is summer time: 21:45Z. 23 hours of
        // four.
        assert_eq!(starts.len(), 23 * 4);
        assert_eq!(starts[0], "2027-03-27T23:00:00Z");
        assert_eq!(starts.last().unwrap(), "2027-03-28T21:45:00Z");
        // 01:30 in winter time; the hour ends at 03:30 in summer time.
        let start = instant("2027-03-28T00:30:00Z");
        let booked = anar.asks_to_book(&spree, &["wash.full"], start, 2500).await;
        assert_eq!(booked.status("requested")["ends_at"], "2027-03-28T01:30:00Z");
        let order = crate::support::Order::of(&booked);
        spree.accepts(&order).await.status("confirmed");
        let leyla = world.client("Leyla").await;
        let three = instant("2027-03-28T01:00:00Z");
        leyla.asks_to_book(&spree, &["wash.body"], three, 1500).await.refused("slot_taken");
        leyla.books(&spree, three + minutes(30)).await;
        let day = spree.looks_at("2027-03-28", "day").await;
        assert_eq!(day.at("until") - day.at("from"), hours(23));
        assert_eq!(day.ok()["bays"][0]["entries"].as_array().unwrap().len(), 2);
    }
}
