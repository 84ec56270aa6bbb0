//! Blocks: a bay closed by staff, and a calendar that stays consistent (BK-13).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::booking::text;
use crate::support::calendar::starts;
use crate::support::{Branch, Client, World, instant, minutes};

/// Kristal with one bay, and Anar with a sedan.
async fn one_bay(world: &World) -> (Branch, String, Client) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let bay = kristal.adds_bay("Bay 1", "wash").await;
    (kristal, bay, anar)
}

both! {
    /// BK-13: 10:00 to 11:02 in Baku is blocked until 11:05; half an hour fits before and after,
    /// but not inside. Once it is removed all is free again; the branch gets an event for both.
    async fn bk_13_a_block_takes_the_bay_and_its_removal_gives_it_back(world) {
        let (kristal, bay, anar) = one_bay(world).await;
        assert_eq!(starts(&anar.slots(&kristal, "2026-11-21").await).len(), 96);
        let mut feed = kristal.follows().await;
        let from = instant("2026-11-21T06:00:00Z");
        let operator = kristal.hires("operator").await;
        let block = operator.blocks(&bay, from, from + minutes(62)).await;
        assert_eq!(block.status, 201);
        assert_eq!(block.ok()["starts_at"], "2026-11-21T06:00:00Z");
        assert_eq!(block.ok()["ends_at"], "2026-11-21T07:05:00Z");
        let told = feed.hears("calendar.changed").await;
        assert_eq!(told["data"]["block"]["id"], block.ok()["id"]);
        assert_eq!(told["data"]["removed"], false);
        let free = starts(&anar.slots(&kristal, "2026-11-21").await);
        assert_eq!(free.len(), 96 - 6);
        let shut = |start: &String| ("21 09:45".."21 11:15").contains(&start.as_str());
        assert!(!free.iter().any(shut), "{free:?}");
        let quarter = from + minutes(15);
        anar.asks_to_book(&kristal, &["wash.body"], quarter, 1500).await.refused("slot_taken");
        let listed = "/v1/partner/blocks?from=2026-11-21T07:04:00Z&until=2026-11-21T07:10:00Z";
        assert_eq!(kristal.get(listed).await.ok()["items"][0]["note"], "Pump repair");
        operator.unblocks(&block).await.ok();
        assert_eq!(feed.hears("calendar.changed").await["data"]["removed"], true);
        assert_eq!(kristal.get(listed).await.ok()["items"], json!([]));
        operator.unblocks(&block).await.refused("no_such_block");
        anar.books(&kristal, quarter).await;
    }

    /// BK-13: a walk-in is being served: a quick order that would arrive meanwhile finds no bay.
    async fn bk_13_a_walk_in_is_blocked_from_now(world) {
        let (kristal, bay, anar) = one_bay(world).await;
        let begun = world.now() - minutes(10);
        kristal.blocks(&bay, begun, begun + minutes(60)).await.ok();
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.refused("bay_clash");
        kristal.overbooks(&order).await.status("confirmed");
    }

    /// BK-13: a bay held by a visit or another block cannot be blocked, and the refusal names the
    /// holder; a block that only touches it is allowed.
    async fn bk_13_a_bay_that_is_held_is_not_blocked(world) {
        let (kristal, bay, anar) = one_bay(world).await;
        let ten = instant("2026-11-20T10:00:00Z");
        let order = anar.books(&kristal, ten).await;
        let over = kristal.blocks(&bay, ten - minutes(60), ten + minutes(60)).await;
        let problem = over.refused("bay_taken");
        let named = json!([{
            "order_id": order.id, "code": order.placed["code"], "kind": "booking",
            "status": "requested", "from": "2026-11-20T10:00:00Z", "until": "2026-11-20T10:30:00Z",
        }]);
        assert_eq!((&problem["orders"], &problem["blocks"]), (&named, &json!([])));
        let before = kristal.blocks(&bay, ten - minutes(60), ten).await;
        let after = kristal.blocks(&bay, ten + minutes(30), ten + minutes(60)).await;
        let again = kristal.blocks(&bay, ten - minutes(1), ten + minutes(31)).await;
        let problem = again.refused("bay_taken");
        assert_eq!(problem["orders"][0]["order_id"], json!(order.id));
        let blocks: Vec<&Value> =
            problem["blocks"].as_array().unwrap().iter().map(|b| &b["id"]).collect();
        assert_eq!(blocks, [&before.ok()["id"], &after.ok()["id"]]);
        anar.cancels(&order).await.status("cancelled");
        kristal.blocks(&bay, ten, ten + minutes(30)).await.ok();
    }

    /// BK-2, BK-13: of concurrent blocks and a booking for the same time exactly one succeeds.
    async fn bk_13_of_many_at_once_one_gets_the_time(world) {
        let (kristal, bay, anar) = one_bay(world).await;
        for day in 21..26 {
            let start = instant(&format!("2026-11-{day}T10:00:00Z"));
            let until = start + minutes(30);
            let blocks = join_all((0..4).map(|_| kristal.blocks(&bay, start, until)));
            let books = anar.asks_to_book(&kristal, &["wash.body"], start, 1500);
            let (blocks, booked) = tokio::join!(blocks, books);
            let won = blocks.iter().filter(|block| block.status == 201).count();
            assert_eq!(won + usize::from(booked.status == 201), 1, "{blocks:?} {booked:?}");
            for lost in blocks.iter().filter(|block| block.status != 201) {
                let problem = lost.refused("bay_taken");
                let named = |what: &str| problem[what].as_array().unwrap().len();
                assert_eq!(named("orders") + named("blocks"), 1, "{problem}");
            }
        }
    }

    /// BK-13: a block is refused if it is longer than 31 days, already over, or of a foreign bay.
    async fn bk_13_a_block_makes_sense_or_is_refused(world) {
        let (kristal, bay, _) = one_bay(world).await;
        let shine = world.branch("Shine").await;
        let theirs = shine.adds_bay("Bay 1", "wash").await;
        let (now, day) = (world.now(), instant("2026-11-21T00:00:00Z"));
        for (from, until) in [
            (day, day),
            (day + minutes(5), day),
            (now - minutes(60), now),
            (day, day + minutes(31 * 1440 + 1)),
            (day + minutes(1000 * 1440), day + minutes(1000 * 1440 + 60)),
        ] {
            kristal.blocks(&bay, from, until).await.refused("block_invalid");
        }
        let note = "ə".repeat(201);
        let (from, until) = (text(day), text(day + minutes(60)));
        let long = json!({"bay_id": bay, "starts_at": from, "ends_at": until, "note": note});
        kristal.post("/v1/partner/blocks", long).await.refused("block_invalid");
        kristal.blocks(&theirs, day, day + minutes(60)).await.refused("no_such_bay");
        let month = kristal.blocks(&bay, day, day + minutes(31 * 1440)).await;
        assert_eq!(month.ok()["ends_at"], "2026-12-22T00:00:00Z");
        shine.unblocks(&month).await.refused("no_such_block");
    }

    /// ORD-4, BK-13: a block that is sent twice is created once.
    async fn bk_13_a_repeated_block_is_one_block(world) {
        let (kristal, bay, _) = one_bay(world).await;
        let day = instant("2026-11-21T00:00:00Z");
        let body = json!({
            "bay_id": bay, "starts_at": text(day), "ends_at": text(day + minutes(60)),
        });
        let sends = || kristal.ask("POST", "/v1/partner/blocks").key("b").body(body.clone()).send();
        let all = join_all((0..4).map(|_| sends())).await;
        assert!(all.iter().all(|reply| reply.ok()["id"] == all[0].ok()["id"]), "{all:?}");
        assert_eq!(all.iter().filter(|reply| !reply.replayed).count(), 1);
    }
}
