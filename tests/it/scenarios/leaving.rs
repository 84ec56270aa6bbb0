//! Cancelling: its cost, quotes, and what is kept (PEN, ORD-8, COM-3).

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Branch, Client, Order, World, books, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

async fn accepted(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    (kristal, anar, order)
}

both! {
    /// PEN-2: free until the acceptance was delivered, ten seconds at the most; then a tenth.
    async fn an_unseen_yes_leaves_ten_free_seconds(world) {
        let (_, anar, order) = accepted(world).await;
        world.advance(seconds(10)).await;
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (0, &json!("acceptance_unseen")));
        assert_eq!(quote.at("free_until"), world.now());
        world.advance(MICROSECOND).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
        let left = anar.cancels(&order).await;
        assert_eq!(left.status("cancelled")["penalty"]["amount"], 150);
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 1);
    }

    /// PEN-2: once a device of the client acknowledged the acceptance, cancelling costs.
    async fn a_seen_yes_ends_the_free_time(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut hears = anar.follows().await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        assert_eq!(anar.quote(&order).await.money("fee"), 0);
        hears.hears("order.confirmed").await;
        hears.acks().await;
        let quote = anar.quote(&order).await;
        assert_eq!((quote.money("fee"), &quote.ok()["reason"]), (150, &json!("late_cancel")));
        assert_eq!(anar.cancels(&order).await.money("penalty"), 150);
    }

    /// PEN-3: a tenth, rounded down, at most 2.00: 9.99 → 0.99, 20.00 → 2.00, 25.00 → 2.00.
    async fn the_fee_is_a_tenth_rounded_down_and_capped(world) {
        let mut kristal = world.branch("Kristal").await;
        for (code, price) in [("a", 999), ("b", 1999), ("c", 2000), ("d", 2500)] {
            kristal.offers(code, json!([{"class": "sedan", "price": price, "minutes": 30}])).await;
        }
        for (code, fee) in [("a", 99), ("b", 199), ("c", 200), ("d", 200)] {
            let client = world.client(code).await;
            let order = client.orders_services(&kristal, &[code]).await;
            kristal.accepts(&order).await.ok();
            world.advance(seconds(11)).await;
            assert_eq!(client.cancels(&order).await.money("penalty"), fee, "{code}");
        }
    }

    /// PEN-4: a quote changes nothing and is honoured for thirty seconds, whatever happens.
    async fn a_quote_is_honoured_after_conditions_change(world) {
        let (_, anar, order) = accepted(world).await;
        world.advance(seconds(5)).await;
        let before = books::everything(&world.db()).await;
        let quote = anar.quote(&order).await;
        assert_eq!(books::everything(&world.db()).await, before);
        assert_eq!(quote.money("fee"), 0);
        assert_eq!(quote.at("expires_at"), world.now() + seconds(30));
        world.advance(seconds(30)).await;
        assert_eq!(anar.quote(&order).await.money("fee"), 150);
        let left = anar.cancels_with(&order, quote.json["token"].as_str().unwrap()).await;
        assert!(left.status("cancelled")["penalty"].is_null());
        assert_eq!(world.marks(&anar.person_id, "client_late_cancel").await, 0);
    }

    /// PEN-4: a quote is refused if expired, tampered with, of another order or of an older
    /// version.
    async fn a_quote_that_is_not_of_this_order_now_is_refused(world) {
        let (kristal, anar, order) = accepted(world).await;
        let leyla = world.client("Leyla").await;
        let other = leyla.orders(&kristal).await;
        kristal.accepts(&other).await.ok();
        let token = |reply: crate::support::Reply| reply.ok()["token"].as_str().unwrap().to_owned();
        let (mine, theirs) = (token(anar.quote(&order).await), token(leyla.quote(&other).await));
        anar.cancels_with(&order, &theirs).await.refused_as("quote_invalid", "confirmed");
        world.advance(seconds(11)).await;
        let dear = token(anar.quote(&order).await);
        let cheap = dear.replacen(".150.", ".1.", 1);
        assert_ne!(cheap, dear);
        anar.cancels_with(&order, &cheap).await.refused("quote_invalid");
        anar.cancels_with(&order, "nonsense").await.refused("quote_invalid");
        world.advance(seconds(19) + MICROSECOND).await;
        anar.cancels_with(&order, &mine).await.refused("quote_invalid");
        anar.departs(&order).await.ok();
        anar.cancels_with(&order, &dear).await.refused_as("quote_invalid", "on_the_way");
        anar.sees(&order).await.status("on_the_way");
    }

    /// PEN-3, SAN-3: one fee and one strike for one order, however often it is cancelled.
    async fn an_order_costs_one_fee_at_most(world) {
        let (kristal, anar, order) = accepted(world).await;
        world.advance(seconds(11)).await;
        let (one, two, three) =
            tokio::join!(anar.cancels(&order), anar.cancels(&order), kristal.cancels(&order));
        let yes = [&one, &two, &three].iter().filter(|reply| reply.status == 200).count();
        assert_eq!(yes, 1, "{one:?} {two:?} {three:?}");
        let owed = anar.penalties().await;
        assert!(owed.ok()["items"].as_array().unwrap().len() <= 1);
        let by_client = world.marks(&anar.person_id, "client_late_cancel").await;
        let by_partner = world.marks(&kristal.partner_id, "partner_cancelled").await;
        assert_eq!(by_client + by_partner, 1, "one fault, of whoever was first");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// ORD-8: nothing is deleted: the order, its history, its events and its hold are still there.
    async fn nothing_is_deleted_on_cancel(world) {
        let (kristal, anar, order) = accepted(world).await;
        anar.departs(&order).await.ok();
        world.advance(seconds(60)).await;
        anar.cancels(&order).await.status("cancelled");
        let whole = world.support().sees(&order).await;
        let steps = whole.ok()["steps"].as_array().unwrap().clone();
        let intents: Vec<_> = steps.iter().map(|step| step["intent"].as_str().unwrap()).collect();
        assert_eq!(intents, ["place", "accept", "depart", "cancel"]);
        assert_eq!(whole.json["timers"], json!([]));
        assert_eq!(whole.json["order"]["status"], "cancelled");
        assert_eq!(anar.sees(&order).await.ok()["services"][0]["price"]["amount"], 1500);
        let polled = anar.get("/v1/feed/events?after=0").await;
        assert_eq!(polled.ok()["seq"], 4);
        let released = books::everything(&world.db()).await;
        assert!(released.iter().any(|row| row.starts_with("hold") && row.contains("Released")));
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// COM-3, BAL-1, SAN-2: every cancel releases the hold; a partner's cancel is its own fault and
    /// costs the client nothing, support's cancel is nobody's fault.
    async fn every_cancel_gives_the_hold_back(world) {
        let (kristal, anar, order) = accepted(world).await;
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
        world.advance(seconds(60)).await;
        let left = kristal.cancels(&order).await;
        assert_eq!(left.status("cancelled")["reason"], "partner_cancelled");
        assert!(left.json["penalty"].is_null());
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(world.marks(&kristal.partner_id, "partner_cancelled").await, 1);
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        anar.cancels(&order).await.refused_as("not_in_this_status", "active");
        kristal.cancels(&order).await.refused_as("not_in_this_status", "active");
        let forced = world.support().adjusts(&order, "force_cancel", None).await;
        assert_eq!(forced.status("cancelled")["reason"], "support_cancelled");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(world.marks(&kristal.partner_id, "partner_cancelled").await, 1);
    }
}
