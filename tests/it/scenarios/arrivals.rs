//! Arrivals: positions, the code at the branch, and what follows an arrival.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{instant, minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

both! {
    /// QO-3, QO-4: acceptance grants the route of 901 s and ten minutes; the commission is held.
    async fn an_accepted_client_has_the_route_and_the_buffer(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        world.advance(seconds(7)).await;
        let accepted = kristal.accepts(&order).await;
        accepted.status("confirmed");
        // 08:00:07 + 15:01 + 10:00.
        assert_eq!(accepted.at("arrival_deadline"), instant("2026-11-20T08:25:08Z"));
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        let seen = anar.sees(&order).await;
        let actions = &seen.ok()["actions"];
        assert_eq!(actions["depart"], json!({"allowed": true, "until": "2026-11-20T08:35:08Z"}));
        assert_eq!(actions["cancel"]["allowed"], true);
        let departed = anar.departs(&order).await;
        departed.status("on_the_way");
        assert_eq!(departed.at("arrival_deadline"), instant("2026-11-20T08:25:08Z"));
    }

    /// ARR-1: two exact, near and fresh positions prove an arrival; anything less does not.
    async fn two_near_exact_and_fresh_positions_are_an_arrival(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        anar.is_at(&order, &kristal).await.refused_as("not_in_this_status", "requested");
        kristal.accepts(&order).await.ok();
        let (lat, lon) = (kristal.lat, kristal.lon);
        let is = async |lat: f64, accuracy: i32| {
            let sent = anar.sends_position(&order, lat, lon, accuracy).await.ok().clone();
            (sent["near"] == true, sent["arrived"] == true)
        };
        world.advance(seconds(120)).await;
        // A degree of latitude is 111 195 m: 0.00136° are 151 m, 0.00134° are 149 m.
        assert_eq!(is(lat + 0.00136, 50).await, (false, false));
        world.advance(seconds(5)).await;
        assert_eq!(is(lat, 51).await, (false, false));
        world.advance(seconds(5)).await;
        assert_eq!(is(lat + 0.00134, 50).await, (true, false));
        world.advance(seconds(60) + MICROSECOND).await;
        assert_eq!(is(lat, 50).await, (true, false), "the first near one is too old");
        world.advance(seconds(60)).await;
        assert_eq!(is(lat, 0).await, (true, true));
        let arrived = anar.sees(&order).await;
        assert_eq!(arrived.status("confirmed")["arrival_by"], "position");
        assert_eq!(arrived.at("arrived_at"), world.now());
    }

    /// ARR-1: without a location the code shown at the branch is accepted; guessing it is limited.
    async fn the_code_at_the_branch_serves_and_guessing_does_not(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let (order, other) = (anar.orders(&kristal).await, leyla.orders(&kristal).await);
        kristal.accepts(&order).await.ok();
        kristal.accepts(&other).await.ok();
        let code = kristal.arrival_code().await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        anar.arrives_by_code(&order, wrong).await.refused("wrong_code");
        let arrived = anar.arrives_by_code(&order, &code).await;
        assert_eq!(arrived.ok()["arrival_by"], "code");
        anar.arrives_by_code(&order, &code).await.refused("already_arrived");
        for _ in 0..5 {
            leyla.arrives_by_code(&other, wrong).await.refused("wrong_code");
        }
        leyla.arrives_by_code(&other, &code).await.refused("too_many_codes_tried");
    }

    /// ARR-1: of many concurrent guesses exactly five are compared.
    async fn guessing_at_once_is_still_five_guesses(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let wrong = if kristal.arrival_code().await == "000000" { "000001" } else { "000000" };
        let guesses = (0..20).map(|_| anar.arrives_by_code(&order, wrong));
        let answers = futures_util::future::join_all(guesses).await;
        let compared = answers.iter().filter(|answer| answer.json["code"] == "wrong_code").count();
        assert!(compared <= 5, "{compared} codes were compared");
        anar.sees(&order).await.status("confirmed");
    }

    /// ARR-1: an arrival cancels every no-show timer; the partner's claim does not override it.
    async fn an_arrival_stops_the_no_show_clocks(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.advance(minutes(24)).await;
        anar.drives_to(world, &order, &kristal).await.ok();
        // Past the arrival deadline (25:01) and the partner's time to decide (35:01).
        world.advance(minutes(14)).await;
        anar.sees(&order).await.status("confirmed");
        kristal.declares_no_show(&order).await.refused("already_arrived");
        kristal.admits(&order).await.status("active");
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 0);
    }

    /// ARR-3: if both are due at the same instant, the arrival takes precedence over the no-show.
    async fn an_arrival_at_the_last_instant_comes_before_the_no_show(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        // 25:01 is the deadline, 35:01 the end of the partner's time to decide.
        world.until(instant("2026-11-20T08:35:01Z")).await;
        anar.arrives_by_code(&order, &kristal.arrival_code().await).await.ok();
        world.advance(minutes(1)).await;
        anar.sees(&order).await.status("confirmed");
    }

    /// ARR-3: positions on the way change the estimate that both sides see, never the deadline.
    async fn positions_move_the_estimate_and_never_the_deadline(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let mut hears = kristal.follows().await;
        world.advance(minutes(10)).await;
        let sent = anar.sends_position(&order, kristal.lat - 0.045, kristal.lon, 10).await;
        // Still 5004 m away at 08:10:00: 901 s more.
        assert_eq!(sent.ok()["distance_m"], 5004);
        assert_eq!(sent.at("eta_at"), instant("2026-11-20T08:25:01Z"));
        let told = hears.hears("order.eta").await;
        assert_eq!(told["data"]["order"]["eta_at"], sent.json["eta_at"]);
        let seen = kristal.sees(&order).await;
        assert_eq!(seen.at("eta_at"), instant("2026-11-20T08:25:01Z"));
        assert_eq!(seen.at("arrival_deadline"), instant("2026-11-20T08:25:01Z"));
    }

    /// ARR-2: a client who is not admitted: support is notified after 15 min, the client may leave
    /// free of charge, and it counts as the partner's fault.
    async fn a_client_who_is_not_taken_in_leaves_free(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut queue = world.support().follows().await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        world.advance(minutes(20)).await;
        anar.drives_to(world, &order, &kristal).await.ok();
        world.advance(minutes(15)).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150, "the fifteenth minute is not over");
        world.advance(MICROSECOND).await;
        let told = queue.hears("support.admit_late").await;
        assert_eq!(told["data"]["order"]["id"], json!(order.id));
        assert_eq!(anar.quote(&order).await.money("fee"), 0);
        let left = anar.cancels(&order).await;
        assert_eq!(left.status("cancelled")["reason"], "not_admitted");
        assert!(left.ok()["penalty"].is_null());
        assert_eq!(world.marks(&kristal.partner_id, "partner_not_admitted").await, 1);
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// ARR-2: after an hour a timer ends an order whose client was not admitted.
    async fn after_an_hour_the_clock_ends_what_nobody_took_in(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let arrived = anar.drives_to(world, &order, &kristal).await;
        assert_eq!(arrived.ok()["arrived"], true);
        world.advance(minutes(60)).await;
        anar.sees(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        assert_eq!(anar.sees(&order).await.status("cancelled")["reason"], "not_admitted");
        assert_eq!(world.marks(&kristal.partner_id, "partner_not_admitted").await, 1);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// ARR-2: a denied arrival freezes the order for support; after four hours it ends, free for
    /// both.
    async fn a_denied_arrival_is_frozen_and_ends_free_for_both(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut queue = world.support().follows().await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        anar.drives_to(world, &order, &kristal).await.ok();
        let frozen = kristal.says_not_here(&order).await;
        assert_eq!(frozen.at("frozen_until"), world.now() + minutes(240));
        queue.hears("support.not_here").await;
        anar.cancels(&order).await.refused("order_frozen");
        kristal.cancels(&order).await.refused("order_frozen");
        world.advance(minutes(240)).await;
        anar.sees(&order).await.status("confirmed");
        world.advance(MICROSECOND).await;
        let over = anar.sees(&order).await;
        over.status("cancelled");
        assert!(over.ok()["penalty"].is_null());
        assert_eq!(world.marks(&kristal.partner_id, "partner_not_admitted").await, 0);
        assert_eq!(world.marks(&anar.person_id, "client_no_show").await, 0);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }
}
