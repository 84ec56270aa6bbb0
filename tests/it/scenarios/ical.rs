//! The iCalendar feed of a branch (PAN-1). The test parses the text itself, as RFC 5545 says, and
//! not with the library that wrote it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{Branch, Reply, World, instant, minutes};
use crate::wire::raw::{Answer, Raw};
use crate::wire::rows;

/// One event: its properties.
type Event = BTreeMap<String, String>;

/// Parses a calendar: CRLF after each line, at most 75 octets in one, long ones folded (§3.1).
#[track_caller]
fn read(text: &str) -> (Event, Vec<Event>) {
    let whole = text.strip_suffix("\r\n").expect("the last line ends too");
    for line in whole.split("\r\n") {
        assert!(line.len() <= 75 && !line.is_empty(), "{} octets: {line}", line.len());
        assert!(!line.contains(['\r', '\n']), "a bare end of a line: {line:?}");
    }
    let (mut head, mut events, mut open) = (Event::new(), Vec::<Event>::new(), Vec::new());
    for line in whole.replace("\r\n ", "").split("\r\n") {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no value: {line}"));
        let name = name.split(';').next().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'), "a name: {line}");
        match name {
            "BEGIN" => {
                open.push(value.to_owned());
                events.extend((value == "VEVENT").then(Event::new));
            }
            "END" => assert_eq!(open.pop().as_deref(), Some(value)),
            _ => {
                let of = if open.len() == 1 { &mut head } else { events.last_mut().unwrap() };
                let twice = of.insert(name.to_owned(), unescaped(value));
                assert_eq!(twice, None, "twice: {line}");
            }
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    (head, events)
}

/// A text value (§3.3.11): backslash, comma, semicolon and newline are escaped, nothing else is.
#[track_caller]
fn unescaped(value: &str) -> String {
    let (mut out, mut rest) = (String::new(), value.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | ',' | ';')) => out.push(c),
                other => panic!("\\{other:?} in {value}"),
            },
            ',' | ';' => panic!("not escaped in {value}"),
            c => out.push(c),
        }
    }
    out
}

async fn address(kristal: &Branch) -> String {
    path(&kristal.post("/v1/partner/calendar-feed", json!({})).await)
}

#[track_caller]
fn path(reply: &Reply) -> String {
    let url = reply.ok()["url"].as_str().unwrap();
    let at = url.find("/v1/open/calendars/").expect("an address");
    assert!(url.starts_with("http://") && url.len() == at + 19 + 43 + 4, "{url}");
    url[at..].to_owned()
}

/// Reads a path without a token.
async fn anybody(world: &World, path: &str) -> Answer {
    Raw::of(world.support(), "GET", path).token("").send().await
}

async fn events(world: &World, path: &str) -> Vec<Event> {
    let answer = anybody(world, path).await;
    answer.ok(200);
    read(&answer.text).1
}

#[track_caller]
fn event<'a>(events: &'a [Event], id: &str) -> &'a Event {
    let uid = format!("{id}@yumo");
    events
        .iter()
        .find(|event| event["UID"] == uid)
        .unwrap_or_else(|| panic!("no {uid}: {events:?}"))
}

#[track_caller]
fn is(event: &Event, status: &str, sequence: &str) {
    assert_eq!((event["STATUS"].as_str(), event["SEQUENCE"].as_str()), (status, sequence));
}

both! {
    /// RFC 9110: whatever supports GET supports HEAD, which calendar programs and probes use.
    async fn what_can_be_read_has_a_head(world) {
        let url = |path: &str| format!("http://{}{path}", world.scene.addr());
        for (path, status) in [("/health/live", 200), ("/v1/client/orders", 401), ("/nowhere", 404)] {
            let head = world.scene.http.head(url(path)).send().await.unwrap();
            assert_eq!(head.status().as_u16(), status, "{path}");
            assert_eq!(head.text().await.unwrap(), "", "{path}");
        }
    }

    /// PAN-1: each visit and block is an event whose sequence number grows with every change; a
    /// cancelled one stays as cancelled. No name, phone number or plate is disclosed.
    async fn pan_1_other_programs_read_the_calendar(world) {
        let name = "Kristal, \"Nərimanov\"; \\5";
        let kristal = world.branch(name).await;
        let odd = "Bay 1, left;\r\nATTENDEE:mailto:x@example.com";
        let bay = kristal.adds_bay(odd, "wash").await;
        let long = "Tam yuma, mum; və yağışdan sonra üç qat parıltı: ən uzun ad, üstəlik şüşələr";
        let service = format!("/v1/partner/services/{}", kristal.service("wash.body"));
        kristal.ask("PATCH", &service).body(json!({"name": long})).send().await.ok();
        let anar = world.client("Anar").await;
        let profile = json!({"name": "Anarxan", "lang": "az"});
        anar.ask("PUT", "/v1/client/profile").body(profile).send().await.ok();
        let order = anar.books(&kristal, instant("2026-11-20T10:00:00Z")).await;
        let noon = instant("2026-11-21T08:00:00Z");
        let block = kristal.blocks(&bay, noon, noon + minutes(60)).await;
        let far = instant("2026-12-25T08:00:00Z");
        kristal.blocks(&bay, far, far + minutes(60)).await.ok();
        let path = address(&kristal).await;

        let answer = anybody(world, &path).await;
        answer.ok(200);
        assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
        let (head, found) = read(&answer.text);
        let is_head = |field: &str, value: &str| assert_eq!(head[field], value, "{field}");
        is_head("VERSION", "2.0");
        is_head("PRODID", "-//Yumo//Branch calendar//EN");
        is_head("NAME", name);
        is_head("X-WR-CALNAME", name);
        assert_eq!(found.len(), 2, "the third is beyond the horizon");
        let visit = event(&found, &order.id);
        is(visit, "TENTATIVE", "0");
        let summary = format!("{}: {long} (Kia Rio)", order.placed["code"].as_str().unwrap());
        assert_eq!(visit["SUMMARY"], summary);
        assert_eq!(visit["LOCATION"], "Bay 1, left;\nATTENDEE:mailto:x@example.com");
        for (field, at) in [
            ("DTSTART", "20261120T100000Z"),
            ("DTEND", "20261120T103000Z"),
            ("DTSTAMP", "20261120T080000Z"),
            ("LAST-MODIFIED", "20261120T080000Z"),
        ] {
            assert_eq!(visit[field], at, "{field}");
        }
        let id = block.ok()["id"].as_str().unwrap();
        let shut = event(&found, id);
        is(shut, "CONFIRMED", "0");
        assert_eq!((shut["SUMMARY"].as_str(), shut["TRANSP"].as_str()), ("Blocked", "OPAQUE"));
        let plate = order.placed["car"]["plate"].as_str().unwrap();
        for secret in [plate, "Anarxan", anar.phone.as_str(), "Pump repair"] {
            assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
        }

        world.advance(minutes(5)).await;
        kristal.accepts(&order).await.status("confirmed");
        let found = events(world, &path).await;
        is(event(&found, &order.id), "CONFIRMED", "1");
        assert_eq!(event(&found, &order.id)["LAST-MODIFIED"], "20261120T080500Z");
        anar.cancels(&order).await.status("cancelled");
        kristal.unblocks(&block).await.ok();
        let found = events(world, &path).await;
        is(event(&found, &order.id), "CANCELLED", "2");
        is(event(&found, id), "CANCELLED", "1");
    }

    /// PAN-1: an unchanged calendar is not sent again.
    async fn pan_1_an_unchanged_calendar_is_not_sent_again(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.adds_bay("Bay 1", "wash").await;
        let order = anar.books(&kristal, instant("2026-11-20T10:00:00Z")).await;
        let path = address(&kristal).await;
        let first = anybody(world, &path).await;
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        let asks = |known: String| {
            let (path, support) = (path.clone(), world.support().clone());
            async move {
                let asks = Raw::of(&support, "GET", &path).token("");
                asks.header("If-None-Match", &known).send().await
            }
        };
        world.advance(minutes(1)).await;
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let same = asks(known).await;
            assert_eq!((same.status, same.text.as_str()), (304, ""));
            assert_eq!(same.header("etag"), Some(tag.as_str()));
        }
        kristal.accepts(&order).await.ok();
        let changed = asks(tag.clone()).await;
        changed.ok(200);
        assert_ne!(changed.header("etag"), Some(tag.as_str()));
    }

    /// PAN-1, ORD-4: a new address invalidates the old one at once, a repeat answers with the same
    /// one; the secret is stored nowhere in the database.
    async fn pan_1_the_address_is_a_secret_that_can_be_replaced(world) {
        let kristal = world.branch("Kristal").await;
        let ask = || kristal.ask("POST", "/v1/partner/calendar-feed").body(json!({}));
        let first = ask().key("one").send().await;
        let old = path(&first);
        anybody(world, &old).await.ok(200);
        let again = ask().key("one").send().await;
        assert_eq!((path(&again), again.replayed), (old.clone(), true));
        let new = address(&kristal).await;
        assert_ne!(new, old);
        anybody(world, &old).await.problem(404, "no_such_calendar");
        anybody(world, &new).await.ok(200);
        for path in [&old, &new] {
            let token = path.trim_start_matches("/v1/open/calendars/").trim_end_matches(".ics");
            assert_eq!(token.len(), 43, "256 bits: {token}");
            for (table, rows) in rows::all(world).await {
                assert!(rows.iter().all(|row| !row.contains(token)), "the secret lies in {table}");
            }
        }
        kristal.ask("DELETE", "/v1/partner/calendar-feed").body(json!({})).send().await.ok();
        anybody(world, &new).await.problem(404, "no_such_calendar");
        anybody(world, "/v1/open/calendars/x.ics").await.problem(404, "no_such_calendar");
    }

    /// PAN-1: the sequence number and time change with a move, an extension and more services; a
    /// quick order without a bay is listed too.
    async fn pan_1_every_change_of_a_visit_has_its_number(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let quick = world.client("Leyla").await.orders(&kristal).await;
        kristal.accepts(&quick).await.ok();
        kristal.adds_bay("Bay 1", "wash").await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        let path = address(&kristal).await;
        let now = async |sequence: &str, starts: &str, ends: &str| {
            let found = events(world, &path).await;
            let visit = event(&found, &order.id);
            is(visit, "CONFIRMED", sequence);
            assert_eq!((visit["DTSTART"].as_str(), visit["DTEND"].as_str()), (starts, ends));
        };
        now("1", "20261120T160000Z", "20261120T163000Z").await;
        kristal.proposes_start(&order, four + minutes(60)).await.ok();
        now("2", "20261120T160000Z", "20261120T163000Z").await;
        anar.answers(&order, "reschedule", "accept").await.ok();
        now("3", "20261120T170000Z", "20261120T173000Z").await;
        anar.proposes_add_on(&order, &kristal, "wash.full").await.ok();
        kristal.answers(&order, "add-ons", "accept").await.ok();
        now("5", "20261120T170000Z", "20261120T183000Z").await;
        kristal.extends(&order).await.ok();
        now("6", "20261120T170000Z", "20261120T183000Z").await;
        let found = events(world, &path).await;
        let coming = event(&found, &quick.id);
        is(coming, "CONFIRMED", "1");
        assert_eq!(coming["DTSTART"], "20261120T081501Z");
        assert!(!coming.contains_key("LOCATION"));
    }
}
