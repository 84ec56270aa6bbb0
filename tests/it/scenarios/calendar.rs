//! The calendar of a branch (PAN-1).

use serde_json::{Value, json};

use crate::support::{Person, instant, minutes};

/// One field of each entry.
#[track_caller]
fn of<'a>(entries: &'a Value, field: &str) -> Vec<&'a Value> {
    entries.as_array().unwrap().iter().map(|entry| &entry[field]).collect()
}

/// Two text fields of an entry.
#[track_caller]
fn texts<'a>(entry: &'a Value, a: &str, b: &str) -> (&'a str, &'a str) {
    let text = |field: &str| entry[field].as_str().unwrap_or_else(|| panic!("{field}: {entry}"));
    (text(a), text(b))
}

both! {
    /// PAN-1: a day by bay: active, on the way, booked, requested, proposed and blocked; entries
    /// without a bay are listed separately, ended ones are left out.
    async fn pan_1_a_day_shows_everything_by_bay(world) {
        let kristal = world.branch("Kristal").await;
        kristal.adds_bay("Bay 1", "wash").await;
        let pit = kristal.adds_bay("Pit", "lift").await;
        let path = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        kristal.ask("PATCH", &path).body(json!({"bay_kind": "wash"})).send().await.ok();
        let mut people = Vec::new();
        for name in ["Rauf", "Farid", "Anar", "Leyla", "Nigar", "Vagif"] {
            let person = world.client(name).await;
            let body = json!({"name": name, "lang": "az"});
            person.ask("PUT", "/v1/client/profile").body(body).send().await.ok();
            people.push(person);
        }
        let [rauf, farid, anar, leyla, nigar, vagif] = people.try_into().ok().unwrap();
        let done = rauf.orders(&kristal).await;
        kristal.accepts(&done).await.ok();
        kristal.admits(&done).await.ok();
        kristal.completes(&done, 1500).await.status("completed");
        let coming = farid.orders(&kristal).await;
        kristal.accepts(&coming).await.status("confirmed");
        let booked = anar.has_booked(&kristal, instant("2026-11-20T10:00:00Z")).await;
        anar.proposes_start(&booked, instant("2026-11-20T12:00:00Z")).await.ok();
        let asked = leyla.books(&kristal, instant("2026-11-20T11:00:00Z")).await;
        let waiting = nigar.orders(&kristal).await;
        let gone = vagif.orders(&kristal).await;
        vagif.cancels(&gone).await.status("cancelled");
        let two = instant("2026-11-20T14:00:00Z");
        let block = kristal.blocks(&pit, two, two + minutes(60)).await;

        let seen = kristal.hires("viewer").await.looks_at("2026-11-20", "day").await;
        let day = seen.ok();
        assert_eq!((&day["zone"], &day["cut"]), (&json!("Asia/Baku"), &json!(false)));
        let span = ("2026-11-19T20:00:00Z", "2026-11-20T20:00:00Z");
        assert_eq!(texts(day, "from", "until"), span);
        let open = json!([{"from": "2026-11-19T20:00:00Z", "until": "2026-11-20T20:00:00Z"}]);
        assert_eq!(day["days"], json!([{"date": "2026-11-20", "open": open}]));
        assert_eq!(of(&day["bays"], "name"), ["Bay 1", "Pit"]);
        let entries = &day["bays"][0]["entries"];
        let orders = [&done, &coming, &booked, &asked, &booked];
        assert_eq!(of(entries, "order_id"), orders.map(|order| order.id.as_str()));
        assert_eq!(of(entries, "kind"), ["quick", "quick", "booking", "booking", "proposal"]);
        let statuses = ["completed", "confirmed", "confirmed", "requested", "confirmed"];
        assert_eq!(of(entries, "status"), statuses);
        assert_eq!(of(entries, "client_name"), ["Rauf", "Farid", "Anar", "Leyla", "Anar"]);
        let visit = &entries[2];
        assert_eq!(visit["code"], booked.placed["code"]);
        let served = ("2026-11-20T10:00:00Z", "2026-11-20T10:30:00Z");
        assert_eq!(texts(visit, "starts_at", "ends_at"), served);
        assert_eq!(texts(visit, "taken_from", "taken_until"), served);
        assert_eq!(visit["car"]["plate"], booked.placed["car"]["plate"]);
        assert_eq!(visit["services"][0]["code"], "wash.body");
        assert_eq!(visit["overbooked"], false);
        assert_eq!(entries[4]["starts_at"], "2026-11-20T12:00:00Z");
        let blocked = &day["bays"][1]["entries"];
        assert_eq!(of(blocked, "kind"), ["block"]);
        assert_eq!(blocked[0]["block_id"], block.ok()["id"]);
        assert_eq!(blocked[0]["note"], "Pump repair");
        assert_eq!(of(&day["unassigned"], "order_id"), [waiting.id.as_str()]);
        kristal.accepts(&asked).await.status("confirmed");
    }

    /// PAN-1, BK-12: a week begins on Monday, in the branch's local days; an entry over midnight is
    /// on both days; one bay can be shown alone.
    async fn pan_1_a_week_is_seven_local_days_from_monday(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let first = kristal.adds_bay("Bay 1", "wash").await;
        // Sunday 23:45 to Monday 00:15 in Baku.
        let night = anar.books(&kristal, instant("2026-11-22T19:45:00Z")).await;
        let leyla = world.client("Leyla").await;
        let next = leyla.books(&kristal, instant("2026-11-22T20:15:00Z")).await;
        let second = kristal.adds_bay("Bay 2", "wash").await;
        let week = kristal.looks_at("2026-11-22", "week").await;
        let week = week.ok();
        let span = ("2026-11-15T20:00:00Z", "2026-11-22T20:00:00Z");
        assert_eq!(texts(week, "from", "until"), span);
        let dates: Vec<String> = (16..=22).map(|day| format!("2026-11-{day}")).collect();
        assert_eq!(of(&week["days"], "date"), dates.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(of(&week["bays"][0]["entries"], "order_id"), [night.id.as_str()]);
        let monday = kristal.looks_at("2026-11-23", "day").await;
        let both = [night.id.as_str(), next.id.as_str()];
        assert_eq!(of(&monday.ok()["bays"][0]["entries"], "order_id"), both);
        let one = |bay: &str| {
            let path = format!("/v1/partner/calendar?date=2026-11-23&view=day&bay={bay}");
            let kristal = kristal.clone();
            async move { kristal.get(&path).await }
        };
        let alone = one(&second).await;
        assert_eq!(of(&alone.ok()["bays"], "name"), ["Bay 2"]);
        assert_eq!(alone.ok()["bays"][0]["entries"], json!([]));
        let alone = one(&first).await;
        assert_eq!(of(&alone.ok()["bays"][0]["entries"], "kind"), ["booking", "booking"]);
        one("019a0000-0000-7000-8000-000000000001").await.refused("no_such_bay");
        kristal.looks_at("2026-11-23", "month").await.refused("malformed");
        kristal.looks_at("23.11.2026", "day").await.refused("malformed");
        // An inactive bay is shown while something is booked in it.
        kristal.edits_bay(&first, json!({"active": false})).await.ok();
        let monday = kristal.looks_at("2026-11-23", "day").await;
        assert_eq!(of(&monday.ok()["bays"], "active"), [false, true]);
        let tuesday = kristal.looks_at("2026-11-24", "day").await;
        assert_eq!(of(&tuesday.ok()["bays"], "active"), [true]);
    }

    /// PAN-1, BK-10: entries without a bay: at a branch without bays, and accepted by an override.
    async fn pan_1_what_has_no_bay_stands_apart(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let quick = anar.orders(&kristal).await;
        kristal.accepts(&quick).await.status("confirmed");
        let seen = kristal.looks_at("2026-11-20", "day").await;
        let entry = &seen.ok()["unassigned"][0];
        let served = ("2026-11-20T08:15:01Z", "2026-11-20T08:45:01Z");
        assert_eq!(texts(entry, "starts_at", "ends_at"), served);
        assert_eq!(kristal.looks_at("2026-11-21", "day").await.ok()["unassigned"], json!([]));
        let bay = kristal.adds_bay("Bay 1", "wash").await;
        kristal.blocks(&bay, world.now(), world.now() + minutes(120)).await.ok();
        let squeezed = world.client("Leyla").await.orders(&kristal).await;
        kristal.overbooks(&squeezed).await.status("confirmed");
        let seen = kristal.looks_at("2026-11-20", "day").await;
        assert_eq!(of(&seen.ok()["unassigned"], "overbooked"), [false, true]);
    }

    /// BK-12: days of 23 and 25 hours at a change of daylight saving time.
    async fn bk_12_a_day_has_as_many_hours_as_its_zone_says(world) {
        let phone = world.scene.phone();
        let body = json!({
            "name": "Glanz", "address": "Ufer 1", "zone": "Europe/Berlin",
            "point": {"lat": 52.5, "lon": 13.4}, "owner_phone": phone,
        });
        world.support().post("/v1/support/partners", body).await.ok();
        let glanz = Person::signs_in(&world.scene, "Glanz", &phone).await;
        let day = |weekday| json!({"weekday": weekday, "opens_min": 60, "closes_min": 210});
        let weekly: Vec<Value> = (1..=7).map(day).collect();
        glanz.ask("PUT", "/v1/partner/schedule").body(json!({"weekly": weekly})).send().await.ok();
        // 01:00 to 03:30: in spring one hour of it is skipped, in autumn one hour occurs twice.
        for (date, from, until, opens, closes) in [
            ("2027-03-28", "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z", "00:00", "01:30"),
            ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "23:00", "02:30"),
        ] {
            let path = format!("/v1/partner/calendar?date={date}&view=day");
            let seen = glanz.get(&path).await;
            assert_eq!((&seen.ok()["from"], &seen.ok()["until"]), (&json!(from), &json!(until)));
            let open = &seen.ok()["days"][0]["open"][0];
            let at = |field: &str| open[field].as_str().unwrap()[11..16].to_owned();
            assert_eq!((at("from").as_str(), at("until").as_str()), (opens, closes), "{date}");
        }
        let week = glanz.get("/v1/partner/calendar?date=2027-03-22&view=week").await;
        assert_eq!(week.ok()["from"], "2027-03-21T23:00:00Z");
        assert_eq!(week.ok()["until"], "2027-03-28T22:00:00Z");
    }

    /// PAN-1: a visit stays on the day it took place, whenever it is closed: 20:00Z is midnight in
    /// Baku.
    async fn pan_1_a_visit_stays_on_its_day(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let leyla = world.client("Leyla").await;
        kristal.adds_bay("Bay 1", "wash").await;
        let booked = anar.has_booked(&kristal, instant("2026-11-20T18:00:00Z")).await;
        world.until(instant("2026-11-20T18:00:00Z")).await;
        kristal.admits(&booked).await.status("active");
        world.until(instant("2026-11-20T19:30:00Z")).await;
        kristal.completes(&booked, 1500).await.status("completed");
        let quick = leyla.orders(&kristal).await;
        kristal.accepts(&quick).await.ok();
        world.until(instant("2026-11-20T19:50:00Z")).await;
        kristal.admits(&quick).await.status("active");
        world.until(instant("2026-11-20T20:10:00Z")).await;
        kristal.completes(&quick, 1500).await.status("completed");
        let shown = async |date| {
            let day = kristal.looks_at(date, "day").await.ok().clone();
            of(&day["bays"][0]["entries"], "order_id")
                .iter()
                .map(|id| id.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown("2026-11-20").await, [booked.id, quick.id.clone()]);
        // The second was served over midnight.
        assert_eq!(shown("2026-11-21").await, [quick.id]);
        assert_eq!(shown("2026-11-22").await, Vec::<String>::new());
    }
}
