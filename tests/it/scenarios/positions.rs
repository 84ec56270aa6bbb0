//! Implausible positions and codes, and too many of them (LIM-3).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Branch, Client, Order, Reply, World, instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Accepted at 08:00:00, and two minutes on the road.
async fn on_the_road(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    world.advance(seconds(120)).await;
    (kristal, anar, order)
}

fn said(reply: &Reply) -> (bool, bool) {
    (reply.ok()["kept"] == true, reply.ok()["arrived"] == true)
}

/// The number of stored positions of an order.
async fn kept(world: &World, order: &Order) -> usize {
    world.support().sees(order).await.ok()["positions"].as_array().unwrap().len()
}

/// How often an event of this kind was emitted to a client.
async fn told(reader: &Client, kind: &str) -> usize {
    let page = reader.get("/v1/feed/events?audience=client&after=0").await;
    let events = page.ok()["events"].as_array().unwrap().clone();
    events.iter().filter(|event| event["event"] == kind).count()
}

both! {
    /// LIM-3, ARR-1: a position sent twice counts once; so does the same fix five seconds later;
    /// another fix proves an arrival.
    async fn lim_3_one_position_sent_twice_is_no_arrival(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (true, false));
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (false, false));
        assert_eq!(said(&anar.is_beside(&order, &kristal).await), (false, false));
        world.advance(seconds(5) - MICROSECOND).await;
        assert_eq!(said(&anar.is_beside(&order, &kristal).await), (false, false));
        world.advance(MICROSECOND).await;
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (true, false));
        assert_eq!(kept(world, &order).await, 2);
        world.advance(seconds(5)).await;
        assert_eq!(said(&anar.is_beside(&order, &kristal).await), (true, true));
    }

    /// LIM-3: a standing car sends the same place again; the time of the fix tells a new position
    /// from a repeated one.
    async fn lim_3_the_time_of_a_fix_tells_two_apart(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        let path = format!("/v1/client/orders/{}/positions", order.id);
        let at_gate = |fixed_at: &str| {
            json!({
                "lat": kristal.lat, "lon": kristal.lon, "accuracy_m": 10, "fixed_at": fixed_at,
            })
        };
        let fixes = ["2026-11-20T08:02:00Z", "2026-11-20T08:02:00Z", "2026-11-20T08:02:09Z"];
        for (fixed_at, arrived) in fixes.into_iter().zip([false, false, true]) {
            let sent = anar.post(&path, at_gate(fixed_at)).await;
            assert_eq!(said(&sent), (true, arrived), "{fixed_at}");
            world.advance(seconds(5)).await;
        }
    }

    /// LIM-3: of many concurrent positions one is stored, whichever commits first.
    async fn lim_3_of_many_at_once_one_is_kept(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        let lats = (0..20).map(|n| kristal.lat + 0.00001 * f64::from(n));
        let sends = lats.map(|lat| anar.sends_position(&order, lat, kristal.lon, 10));
        let answers = futures_util::future::join_all(sends).await;
        assert_eq!(answers.iter().filter(|answer| said(answer).0).count(), 1);
        assert!(answers.iter().all(|answer| !said(answer).1));
        assert_eq!(kept(world, &order).await, 1);
    }

    /// LIM-3: 20 km from the branch, and there within a second: no arrival.
    async fn lim_3_nobody_drives_twenty_kilometres_in_a_second(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["origin"] = json!({"lat": kristal.lat - 0.18, "lon": kristal.lon});
        wish["shown_total"] = json!(1500);
        let order = Order::of(&anar.post("/v1/client/orders", wish).await);
        kristal.accepts(&order).await.ok();
        let far = anar.sends_position(&order, kristal.lat - 0.18, kristal.lon, 10).await;
        assert_eq!(said(&far), (true, false));
        world.advance(seconds(1)).await;
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (false, false));
        // Waiting between positions does not help: 20 km are eight minutes at 150 km/h.
        for _ in 0..3 {
            world.advance(seconds(5)).await;
            assert_eq!(said(&anar.is_at(&order, &kristal).await), (true, false));
            world.advance(seconds(5)).await;
            assert_eq!(said(&anar.is_beside(&order, &kristal).await), (true, false));
        }
        anar.sees(&order).await.status("confirmed");
    }

    /// LIM-3: a first position out of reach of the origin flags the order for the branch and
    /// support and proves no arrival; a position the client had the time to reach does.
    async fn lim_3_a_first_position_out_of_reach_flags_the_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let (mut branch, mut queue) = (kristal.follows().await, world.support().follows().await);
        // 5004 m away a minute ago: 2.5 km at 150 km/h.
        world.advance(seconds(60)).await;
        let version = kristal.version(&order).await;
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (true, false));
        let told = branch.hears("order.position_doubted").await;
        assert_eq!(told["data"]["order"]["id"], json!(order.id));
        queue.hears("support.position_doubted").await;
        let seen = kristal.sees(&order).await;
        assert_eq!((&seen.ok()["flagged"], seen.etag), (&json!(true), Some(version)));
        assert_eq!(seen.at("position_doubted_at"), world.now());
        assert_eq!(world.support().sees(&order).await.ok()["order"]["flagged"], true);
        let own = anar.sees(&order).await;
        assert_eq!(own.ok()["flagged"], false);
        assert_eq!(own.json["position_doubted_at"], Value::Null);
        world.advance(seconds(5)).await;
        assert_eq!(said(&anar.is_beside(&order, &kristal).await), (true, false));
        world.advance(seconds(60)).await;
        assert_eq!(said(&anar.is_at(&order, &kristal).await), (true, false));
        world.advance(seconds(5)).await;
        assert_eq!(said(&anar.is_beside(&order, &kristal).await), (true, true));
    }

    /// LIM-3, ARR-3: near, far, near again every second for a minute: the estimate emits at most
    /// one event in fifteen seconds, and one position in five seconds is stored.
    async fn lim_3_positions_to_and_fro_flood_no_feed(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        for n in 0..60 {
            let north = if n % 2 == 0 { 0.02 } else { 0.3 };
            anar.sends_position(&order, kristal.lat + north, kristal.lon, 10).await.ok();
            world.advance(seconds(1)).await;
        }
        assert_eq!(kept(world, &order).await, 12);
        let estimates = told(&anar, "order.eta").await;
        assert!((1..=4).contains(&estimates), "{estimates} estimates in a minute");
    }

    /// LIM-3: the code has six digits and changes every local day; for ten minutes after midnight
    /// the previous day's code is accepted too. Baku's midnight is 20:00Z.
    async fn lim_3_the_code_is_of_the_day(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        world.until(instant("2026-11-20T19:59:59Z")).await;
        let (order, other) = (anar.orders(&kristal).await, leyla.orders(&kristal).await);
        kristal.accepts(&order).await.ok();
        kristal.accepts(&other).await.ok();
        let old = kristal.arrival_code().await;
        assert!(old.len() == 6 && old.bytes().all(|digit| digit.is_ascii_digit()), "{old}");
        world.until(instant("2026-11-20T20:00:00Z")).await;
        let new = kristal.arrival_code().await;
        assert_ne!(new, old);
        world.until(instant("2026-11-20T20:10:00Z") - MICROSECOND).await;
        let arrived = leyla.arrives_by_code(&other, &old).await;
        assert_eq!(arrived.ok()["arrival_by"], "code");
        world.advance(MICROSECOND).await;
        anar.arrives_by_code(&order, &old).await.refused("wrong_code");
        anar.arrives_by_code(&order, &new).await.ok();
    }

    /// LIM-3: each branch has its own code.
    async fn lim_3_each_branch_has_its_own_code(world) {
        let mut codes = std::collections::BTreeSet::new();
        for name in ["Kristal", "Shine", "Sahil"] {
            codes.insert(world.branch(name).await.arrival_code().await);
        }
        assert_eq!(codes.len(), 3);
    }

    /// LIM-3: five wrong codes block the code for that order alone; its client still arrives by
    /// position, and another order's by the code.
    async fn lim_3_five_wrong_codes_rest_the_code_of_that_order(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        let code = kristal.arrival_code().await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            anar.arrives_by_code(&order, wrong).await.refused("wrong_code");
        }
        anar.arrives_by_code(&order, &code).await.refused("too_many_codes_tried");
        let leyla = world.client("Leyla").await;
        let other = leyla.orders(&kristal).await;
        kristal.accepts(&other).await.ok();
        leyla.arrives_by_code(&other, &code).await.ok();
        let arrived = anar.drives_to(world, &order, &kristal).await;
        assert_eq!(arrived.ok()["arrived"], true);
    }

    /// ARR-2: the client sees from when it may leave free, and when a timer ends the order.
    async fn arr_2_the_client_sees_from_when_it_may_leave_free(world) {
        let (kristal, anar, order) = on_the_road(world).await;
        assert_eq!(anar.sees(&order).await.ok()["may_leave_free_at"], Value::Null);
        anar.drives_to(world, &order, &kristal).await.ok();
        let waits = anar.sees(&order).await;
        assert_eq!(waits.at("may_leave_free_at"), world.now() + minutes(15));
        assert_eq!(waits.at("admit_deadline"), world.now() + minutes(60));
        world.advance(minutes(15) + MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 0);
        kristal.admits(&order).await.status("active");
        assert_eq!(anar.sees(&order).await.ok()["may_leave_free_at"], Value::Null);
    }
}
