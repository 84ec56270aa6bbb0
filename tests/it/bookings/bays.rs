//! Bays of quick orders, overruns, and races for the last one (BK-2, BK-10).

use serde_json::json;

use super::one_bay;
use crate::support::{instant, minutes};

both! {
    /// BK-10: a quick order occupies a bay from its estimated arrival, rounded outward: 08:15:01
    /// for thirty minutes is 08:15 to 08:50.
    async fn bk_10_a_quick_order_takes_a_bay_from_its_arrival(world) {
        let (kristal, anar) = one_bay(world).await;
        let order = anar.orders(&kristal).await;
        let yes = kristal.accepts(&order).await;
        let place = &yes.status("confirmed")["place"];
        assert_eq!(place["from"], "2026-11-20T08:15:01Z");
        assert_eq!(place["until"], "2026-11-20T08:45:01Z");
        let leyla = world.client("Leyla").await;
        for (start, free) in [("08:30", false), ("08:45", false), ("09:00", true)] {
            let start = instant(&format!("2026-11-20T{start}:00Z"));
            let tried = leyla.asks_to_book(&kristal, &["wash.body"], start, 1500).await;
            if free {
                tried.status("requested");
            } else {
                tried.refused("slot_taken");
            }
        }
    }

    /// BK-10: if no bay is free the partner may accept with an override; the order then holds no
    /// bay.
    async fn bk_10_the_partner_overbooks_on_purpose(world) {
        let (kristal, anar) = one_bay(world).await;
        anar.has_booked(&kristal, instant("2026-11-20T08:30:00Z")).await;
        let leyla = world.client("Leyla").await;
        let order = leyla.orders(&kristal).await;
        let clash = kristal.accepts(&order).await;
        assert_eq!(clash.refused_as("bay_clash", "requested")["from"], "2026-11-20T08:15:01Z");
        let taken = kristal.overbooks(&order).await;
        assert_eq!(taken.status("confirmed")["overbooked"], true);
        assert!(taken.ok().get("place").is_none());
        // The slots of others are unaffected.
        let farid = world.client("Farid").await;
        farid.books(&kristal, instant("2026-11-20T09:00:00Z")).await;
    }

    /// BK-10: a branch without bays takes quick orders as before.
    async fn bk_10_a_branch_without_bays_takes_quick_orders(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let yes = kristal.accepts(&order).await;
        assert_eq!(yes.status("confirmed")["overbooked"], false);
        let start = instant("2026-11-20T10:00:00Z");
        let leyla = world.client("Leyla").await;
        leyla.asks_to_book(&kristal, &["wash.body"], start, 1500).await.refused("no_bay");
    }

    /// BK-10: a car that is still in the bay when the next booking begins: partner and client are
    /// warned.
    async fn bk_10_an_overrun_warns_the_partner_and_the_next_client(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let four = instant("2026-11-20T16:00:00Z");
        let first = anar.has_booked(&kristal, four).await;
        let next = leyla.has_booked(&kristal, four + minutes(30)).await;
        world.until(four + minutes(1)).await;
        kristal.admits(&first).await.status("active");
        let (mut branch, mut client) = (kristal.follows().await, leyla.follows().await);
        world.until(four + minutes(31)).await;
        let told = branch.hears("order.bay_overrun").await;
        assert_eq!(told["data"]["order"]["id"], json!(next.id));
        assert_eq!(told["data"]["note"]["overrun_by"]["id"], json!(first.id));
        let told = client.hears("order.start_delayed").await;
        assert_eq!(told["data"]["order"]["id"], json!(next.id));
        kristal.completes(&first, 1500).await.status("completed");
        kristal.admits(&next).await.status("active");
    }

    /// BK-7, BK-2: admitted early, the car holds the bay from then on for as long as the visit
    /// takes; if another visit has the bay until then, it keeps what was booked.
    async fn bk_7_taken_in_early_the_bay_is_held_from_then_on(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        world.until(four - minutes(60)).await;
        let active = kristal.admits(&order).await;
        let place = &active.status("active")["place"];
        assert_eq!(place["from"], "2026-11-20T15:00:00Z");
        assert_eq!(place["until"], "2026-11-20T15:30:00Z");
        let next = leyla.has_booked(&kristal, four - minutes(30)).await;
        let farid = world.client("Farid").await;
        let late = farid.has_booked(&kristal, four).await;
        leyla.departs(&next).await.status("on_the_way");
        world.until(four - minutes(20)).await;
        kristal.completes(&order, 1500).await.ok();
        let kept = kristal.admits(&late).await;
        assert_eq!(kept.status("active")["place"]["from"], "2026-11-20T16:00:00Z");
        kristal.cancels(&next).await.ok();
    }

    /// BK-10: completed early, the bay is free at once.
    async fn bk_10_done_early_the_bay_is_free(world) {
        let (kristal, anar) = one_bay(world).await;
        let four = instant("2026-11-20T16:00:00Z");
        let polish = anar.asks_to_book(&kristal, &["wash.body", "wash.full"], four, 4000).await;
        let order = crate::support::Order::of(&polish);
        kristal.accepts(&order).await.ok();
        world.until(four).await;
        kristal.admits(&order).await.ok();
        let leyla = world.client("Leyla").await;
        let five = four + minutes(60);
        leyla.asks_to_book(&kristal, &["wash.body"], five, 1500).await.refused("slot_taken");
        world.advance(minutes(15)).await;
        kristal.completes(&order, 4000).await.ok();
        leyla.books(&kristal, five).await;
    }

    /// BK-2, ORD-3: of many concurrent requests for the last bay one gets it, the others get a
    /// refusal with alternatives.
    async fn bk_2_one_of_many_gets_the_last_bay(world) {
        let (kristal, _) = one_bay(world).await;
        let noon = instant("2026-11-20T12:00:00Z");
        let mut racers = Vec::new();
        for n in 0..8 {
            racers.push(world.client(&format!("Racer {n}")).await);
        }
        let tries = racers.iter().map(|racer| {
            let kristal = kristal.clone();
            async move { racer.asks_to_book(&kristal, &["wash.body"], noon, 1500).await }
        });
        let answers = futures_util::future::join_all(tries).await;
        let won = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(won, 1);
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            let problem = lost.refused("slot_taken");
            assert_eq!(problem["alternatives"].as_array().unwrap().len(), 5);
        }
    }
}
