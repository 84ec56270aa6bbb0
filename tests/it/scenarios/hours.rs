//! Opening hours of a branch: slots, switches, special days, bays, settings (BK-1, BK-12, BK-13).

use serde_json::{Value, json};

use crate::support::calendar::{conflicts, starts};
use crate::support::{Branch, Client, Order, Reply, World, instant, minutes, seconds};
use crate::wire::raw::Raw;

/// Kristal with one bay, and Anar with a sedan. It is Friday noon in Baku, 08:00Z.
async fn one_bay(world: &World) -> (Branch, String, Client) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let bay = kristal.adds_bay("Bay 1", "wash").await;
    (kristal, bay, anar)
}

fn why(order: &Order, why: &str) -> Vec<(String, Value)> {
    vec![(order.id.clone(), json!([why]))]
}

both! {
    /// BK-1, BK-3: the free starts of a day, from the minimum notice to the horizon, each with the
    /// duration for the car's class.
    async fn bk_1_a_client_sees_the_free_slots_of_a_day(world) {
        let (kristal, _, anar) = one_bay(world).await;
        kristal.keeps_hours(&[(540, 780), (840, 1080)]).await.ok();
        let seen = anar.slots(&kristal, "2026-11-20").await;
        let (zone, date) = (&seen.ok()["zone"], &seen.ok()["date"]);
        assert_eq!((zone, date), (&json!("Asia/Baku"), &json!("2026-11-20")));
        assert_eq!(seen.ok()["slots"][0]["ends_at"], "2026-11-20T09:00:00Z");
        let free = starts(&seen);
        // 12:30 for the morning; 14:00 … 17:30 for the evening.
        assert_eq!((free.len(), free[0].as_str()), (1 + 15, "20 12:30"));
        assert_eq!((free[1].as_str(), free[15].as_str()), ("20 14:00", "20 17:30"));
        // 40 minutes for an SUV, by its class or by the client's own car.
        let suv = anar.with_another("suv").await;
        for query in ["class=suv".to_owned(), format!("car_id={}", suv.car_id)] {
            let seen = suv.slots_for(&kristal, &format!("date=2026-11-20&{query}")).await;
            assert_eq!(seen.ok()["slots"][0]["ends_at"], "2026-11-20T10:40:00Z", "{query}");
        }
        let days = anar.slots_for(&kristal, "date=2026-11-21&days=7&class=sedan").await;
        // 09:00 … 12:30 and 14:00 … 17:30 on each of seven days.
        assert_eq!(starts(&days).len(), 7 * 30);
        let last = starts(&anar.slots(&kristal, "2026-12-20").await);
        assert_eq!(last.last().unwrap(), "20 11:45", "thirty days are over at noon");
        assert_eq!(starts(&anar.slots(&kristal, "2026-12-21").await).len(), 0);
        assert_eq!(starts(&anar.slots(&kristal, "9998-12-31").await).len(), 0);
        let scraped = Raw::of(&anar, "GET", "/metrics").send().await;
        assert!(scraped.text.contains("yumo_slots_seconds_bucket"));
    }

    /// BK-1: each unavailable combination has its own code; a branch that takes no orders has no
    /// slots.
    async fn bk_1_slots_of_what_cannot_be_had(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let (shine, leyla) = (world.branch("Shine").await, world.client("Leyla").await);
        let slots = |id: &str, rest: String| {
            let path = format!("/v1/client/partners/{id}/slots?date=2026-11-21&{rest}");
            let anar = anar.clone();
            async move { anar.get(&path).await }
        };
        let (id, body, full) =
            (&kristal.partner_id, kristal.service("wash.body"), kristal.service("wash.full"));
        let wash = format!("services={body}");
        let nowhere = "019a0000-0000-7000-8000-000000000001";
        slots(nowhere, format!("{wash}&class=suv")).await.refused("no_such_partner");
        let theirs = format!("services={}&class=suv", shine.service("wash.body"));
        slots(id, theirs).await.refused("service_unknown");
        slots(id, format!("{wash}&class=minivan")).await.refused("not_for_class");
        slots(id, format!("{wash}&car_id={}", leyla.car_id)).await.refused("no_such_car");
        for rest in [
            "class=suv".to_owned(),
            "services=&class=suv".to_owned(),
            format!("{wash},{body}&class=suv"),
            format!("{wash}&class=tank"),
            format!("{wash}&class=suv&days=0"),
            format!("{wash}&class=suv&days=8"),
            format!("{wash}&class=suv&from=now"),
        ] {
            slots(id, rest).await.refused("malformed");
        }
        let both = format!("{wash}&class=sedan&car_id={}", anar.car_id);
        for car in [wash.clone(), both] {
            slots(id, car).await.refused("car_invalid");
        }
        anar.slots(&kristal, "2026-11-31").await.refused("malformed");
        anar.slots(&kristal, "2026-1-2").await.refused("malformed");
        let service = |id: &str| format!("/v1/partner/services/{id}");
        let edits = |id: &str, body: Value| {
            let (path, kristal) = (service(id), kristal.clone());
            async move { kristal.ask("PATCH", &path).body(body).send().await.ok().clone() }
        };
        edits(body, json!({"bay_kind": "wash"})).await;
        edits(full, json!({"bay_kind": "lift"})).await;
        let apart = format!("services={body},{full}&class=suv");
        slots(id, apart).await.refused("different_bays");
        assert_eq!(starts(&slots(id, format!("services={full}&class=suv")).await).len(), 0);
        edits(body, json!({"active": false})).await;
        slots(id, format!("{wash}&class=suv")).await.refused("service_stopped");
        edits(body, json!({"active": true})).await;
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 96);
        kristal.takes_orders(false).await.ok();
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 0);
    }

    /// BK-13: a pause of 90 minutes at noon: no new visit before 13:30; the booking of 13:00 is
    /// listed and stays; a switch reopens the branch.
    async fn bk_13_a_pause_names_the_bookings_it_meets(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let (leyla, farid) = (world.client("Leyla").await, world.client("Farid").await);
        let order = anar.books(&kristal, instant("2026-11-20T09:00:00Z")).await;
        leyla.books(&kristal, instant("2026-11-20T09:30:00Z")).await;
        let mut feed = kristal.follows().await;
        for minutes in [0, 1441, -5] {
            kristal.pauses(minutes).await.refused("pause_invalid");
        }
        let paused = kristal.hires("operator").await.pauses(90).await;
        assert_eq!(paused.ok()["closed_until"], "2026-11-20T09:30:00Z");
        assert_eq!(conflicts(&paused), why(&order, "closed"));
        let told = feed.hears("branch.changed").await;
        assert_eq!(told["data"]["branch"]["closed_until"], "2026-11-20T09:30:00Z");
        assert_eq!(starts(&farid.slots(&kristal, "2026-11-20").await)[0], "20 14:00");
        let early = instant("2026-11-20T08:30:00Z");
        let tried = farid.asks_to_book(&kristal, &["wash.body"], early, 1500).await;
        tried.refused("slot_outside_hours");
        farid.tries(&kristal, &["wash.body"]).await.refused("partner_not_taking");
        kristal.accepts(&order).await.status("confirmed");
        let resumed = kristal.resumes().await;
        assert_eq!(resumed.ok()["closed_until"], json!(null));
        assert_eq!(conflicts(&resumed), []);
        assert_eq!(starts(&farid.slots(&kristal, "2026-11-20").await)[0], "20 12:30");
        farid.orders(&kristal).await;
        let hour = kristal.post("/v1/partner/pause", json!({})).await;
        assert_eq!(hour.ok()["closed_until"], "2026-11-20T09:00:00Z");
        assert_eq!(conflicts(&hour), []);
        world.advance(minutes(60)).await;
        world.client("Nigar").await.orders(&kristal).await;
    }

    /// BK-13: closed for today: until local midnight, or until the end of the night that began
    /// today.
    async fn bk_13_closed_for_today_opens_tomorrow(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let today = anar.books(&kristal, instant("2026-11-20T19:45:00Z")).await;
        leyla.books(&kristal, instant("2026-11-20T20:15:00Z")).await;
        let closed = kristal.closes_today().await;
        assert_eq!(closed.ok()["closed_until"], "2026-11-20T20:00:00Z");
        assert_eq!(conflicts(&closed), why(&today, "closed"));
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-20").await).len(), 0);
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await)[0], "21 00:45");
        // 20:00 to 02:00: the night that begins today.
        kristal.keeps_hours(&[(540, 780), (1200, 1560)]).await.ok();
        let closed = kristal.closes_today().await;
        assert_eq!(closed.ok()["closed_until"], "2026-11-20T22:00:00Z");
        assert_eq!(conflicts(&closed).len(), 2);
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await)[0], "21 09:00");
        world.until(instant("2026-11-20T22:00:00Z")).await;
        assert_eq!(kristal.resumes().await.ok()["closed_until"], json!(null));
    }

    /// BK-12, BK-13: a special day has its own hours, and lists a booking now outside them.
    async fn bk_12_a_special_day_replaces_the_week(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let noon = anar.books(&kristal, instant("2026-11-21T08:00:00Z")).await;
        let closed = kristal.keeps_day("2026-11-21", &[]).await;
        assert_eq!(closed.ok()["date"], "2026-11-21");
        assert_eq!(closed.ok()["spans"], json!([]));
        assert_eq!(conflicts(&closed), why(&noon, "outside_hours"));
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 0);
        let short = kristal.keeps_day("2026-11-21", &[(600, 735)]).await;
        assert_eq!(conflicts(&short), why(&noon, "outside_hours"));
        let free = starts(&anar.slots(&kristal, "2026-11-21").await);
        assert_eq!((free.len(), free[0].as_str(), free[6].as_str()), (7, "21 10:00", "21 11:30"));
        assert_eq!(conflicts(&kristal.keeps_day("2026-11-21", &[(600, 750)]).await), []);
        anar.sees(&noon).await.status("requested");
        // The night of a special day runs into the next date.
        kristal.keeps_day("2026-11-22", &[(1380, 1500)]).await.ok();
        kristal.keeps_day("2026-11-23", &[]).await.ok();
        let night = starts(&anar.slots_for(&kristal, "date=2026-11-22&days=2&class=sedan").await);
        let night: Vec<&str> = night.iter().map(String::as_str).collect();
        let sunday = ["22 23:00", "22 23:15", "22 23:30", "22 23:45"];
        let monday = ["23 00:00", "23 00:15", "23 00:30"];
        assert_eq!(night, [&sunday[..], &monday[..]].concat());
        let listed = kristal.get("/v1/partner/special-days").await;
        let items = listed.ok()["items"].as_array().unwrap();
        let dates: Vec<&Value> = items.iter().map(|day| &day["date"]).collect();
        assert_eq!(dates, ["2026-11-21", "2026-11-22", "2026-11-23"]);
        assert_eq!(items[0]["spans"], json!([{"opens_min": 600, "closes_min": 750}]));
        assert_eq!(items[0]["note"], "A holiday");
        assert_eq!(conflicts(&kristal.drops_day("2026-11-21").await), []);
        // Three overlap the booking, and 23:45 would run into a date that opens at 23:00.
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 96 - 3 - 1);
        kristal.drops_day("2026-11-21").await.refused("no_such_special_day");
    }

    /// BK-12: a special day must be in the future, within two years, with valid spans.
    async fn bk_12_a_special_day_makes_sense_or_is_refused(world) {
        let (kristal, _, _) = one_bay(world).await;
        for (date, spans) in [
            ("2026-11-19", vec![]),
            ("2028-11-21", vec![]),
            ("2026-11-21", vec![(600, 720), (700, 800)]),
            ("2026-11-21", vec![(600, 600)]),
            ("2026-11-21", vec![(1440, 1500)]),
            ("2026-11-21", vec![(600, 2041)]),
            ("2026-11-21", vec![(-5, 60)]),
        ] {
            kristal.keeps_day(date, &spans).await.refused("special_day_invalid");
        }
        kristal.keeps_day("2026-11-31", &[]).await.refused("malformed");
        kristal.keeps_day("2026-1-31", &[]).await.refused("malformed");
        kristal.keeps_day("2026-11-20", &[(600, 2040)]).await.ok();
        kristal.keeps_day("2028-11-20", &[]).await.ok();
        // A past day is left unchanged.
        world.until(instant("2026-11-20T20:00:00Z")).await;
        kristal.drops_day("2026-11-20").await.refused("special_day_invalid");
        let listed = kristal.get("/v1/partner/special-days").await;
        assert_eq!(listed.ok()["items"].as_array().unwrap().len(), 1);
    }

    /// BK-13: new hours list the bookings now outside them; those stay, and can be moved inside.
    async fn bk_13_new_hours_name_the_bookings_they_leave_outside(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        leyla.books(&kristal, instant("2026-11-20T13:30:00Z")).await;
        let late = anar.has_booked(&kristal, instant("2026-11-20T14:00:00Z")).await;
        let edited = kristal.keeps_hours(&[(540, 1080)]).await;
        assert_eq!(edited.ok()["weekly"].as_array().unwrap().len(), 7);
        assert_eq!(conflicts(&edited), why(&late, "outside_hours"));
        let named = &edited.ok()["conflicts"][0];
        assert_eq!((&named["code"], &named["status"]), (&late.placed["code"], &json!("confirmed")));
        assert_eq!(named["starts_at"], "2026-11-20T14:00:00Z");
        assert_eq!(named["ends_at"], "2026-11-20T14:30:00Z");
        kristal.proposes_start(&late, instant("2026-11-20T13:00:00Z")).await.ok();
        anar.answers(&late, "reschedule", "accept").await.status("confirmed");
        assert_eq!(conflicts(&kristal.keeps_hours(&[(540, 1080)]).await), []);
    }

    /// BK-13: a bay taken out of use, or given other services, lists its bookings and takes no new
    /// ones.
    async fn bk_13_a_bay_out_of_use_keeps_its_bookings(world) {
        let (kristal, bay, anar) = one_bay(world).await;
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        kristal.ask("PATCH", &path).body(json!({"bay_kind": "wash"})).send().await.ok();
        let order = anar.books(&kristal, instant("2026-11-20T14:00:00Z")).await;
        let off = kristal.edits_bay(&bay, json!({"active": false})).await;
        assert_eq!((&off.ok()["active"], &off.ok()["name"]), (&json!(false), &json!("Bay 1")));
        assert_eq!(conflicts(&off), why(&order, "bay_inactive"));
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 0);
        let on = json!({"active": true, "kind": "lift", "name": "Lift"});
        let on = kristal.edits_bay(&bay, on).await;
        assert_eq!((&on.ok()["kind"], &on.ok()["name"]), (&json!("lift"), &json!("Lift")));
        assert_eq!(conflicts(&on), why(&order, "bay_unfit"));
        assert_eq!(conflicts(&kristal.edits_bay(&bay, json!({"kind": "wash"})).await), []);
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 96);
        kristal.accepts(&order).await.status("confirmed");
        kristal.edits_bay(&bay, json!({"name": " "})).await.refused("bay_invalid");
        let shine = world.branch("Shine").await;
        shine.edits_bay(&bay, json!({"active": false})).await.refused("no_such_bay");
    }

    /// BK-1, PEN-1, BK-4, ADD-1: a branch sets its own grid, terms and automatic answers, within
    /// bounds.
    async fn bk_1_a_branch_sets_its_grid_and_terms(world) {
        let (kristal, _, anar) = one_bay(world).await;
        let (shine, day) = (world.branch("Shine").await, "2026-11-21");
        let hours = |weekday, from, until| {
            json!({"hours": [{"weekday": weekday, "from_min": from, "until_min": until}]})
        };
        for wrong in [
            json!({"grid_min": 7}),
            json!({"grid_min": 0}),
            json!({"free_cancel_min": 59}),
            json!({"free_cancel_min": 1441}),
            json!({"auto_confirm": {"service_ids": [shine.service("wash.body")]}}),
            json!({"auto_confirm": hours(8, 0, 60)}),
            json!({"auto_confirm": hours(1, 60, 60)}),
        ] {
            kristal.sets(wrong).await.refused("branch_invalid");
        }
        kristal.sets(json!({"auto_confirm": {"some": true}})).await.refused("malformed");
        let set = json!({"grid_min": 20, "free_cancel_min": 60, "auto_add_on": true});
        let set = kristal.sets(set).await;
        let is = |reply: &Reply, field: &str, value: Value| assert_eq!(reply.ok()[field], value);
        is(&set, "grid_min", json!(20));
        is(&set, "free_cancel_min", json!(60));
        is(&set, "auto_add_on", json!(true));
        is(&set, "auto_confirm", json!(null));
        assert_eq!(starts(&anar.slots(&kristal, day).await).len(), 72);
        let start = instant("2026-11-21T08:20:00Z");
        let shown = anar.previews_booking(&kristal, &["wash.body"], start).await;
        assert_eq!(shown.ok()["cancellation"]["free_until_at"], "2026-11-21T07:20:00Z");
        // Settings that are not named stay; null restores the policy's value.
        let back = kristal.sets(json!({"grid_min": null})).await;
        is(&back, "grid_min", json!(null));
        is(&back, "free_cancel_min", json!(60));
        assert_eq!(starts(&anar.slots(&kristal, day).await).len(), 96);
        let auto = json!({"auto_confirm": {"all": true}, "free_cancel_min": 1440});
        let auto = kristal.sets(auto).await;
        let all = json!({"all": true, "service_ids": [], "hours": []});
        assert_eq!(auto.ok()["auto_confirm"], all);
        let order = anar.books(&kristal, instant("2026-11-21T08:15:00Z")).await;
        world.advance(seconds(1)).await;
        anar.sees(&order).await.status("confirmed");
        let none = kristal.sets(json!({"auto_confirm": null})).await;
        assert_eq!(none.ok()["auto_confirm"], json!(null));
        assert_eq!(kristal.get("/v1/partner/branch").await.ok()["free_cancel_min"], 1440);
    }
}
