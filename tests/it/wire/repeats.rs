//! Repeated commands.

use futures_util::future::join_all;
use serde_json::json;

use super::raw::{Answer, Raw};
use super::rows;
use crate::support::{Branch, Client, World, minutes};

async fn places(anar: &Client, kristal: &Branch, total: i64, key: &str) -> Answer {
    let mut wish = anar.wish(kristal, &["wash.body"]);
    wish["shown_total"] = json!(total);
    Raw::of(anar, "POST", "/v1/client/orders").key(key).json(&wish).send().await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

async fn orders_of(client: &Client) -> usize {
    client.get("/v1/client/orders").await.ok()["items"].as_array().unwrap().len()
}

both! {
    /// ORD-4: a repeat gets the stored answer, though the order has changed since.
    async fn a_repeated_command_is_answered_again_and_not_done_again(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let first = places(&anar, &kristal, 1500, "once").await;
        assert!(!replayed(&first), "{first:?}");
        let placed = first.ok(201).clone();
        let id = placed["id"].as_str().unwrap();
        let decline = format!("/v1/partner/orders/{id}/decline");
        kristal.post(&decline, json!({"reason": "No free bay"})).await.status("cancelled");
        world.clock.set(world.now() + minutes(47 * 60));
        let before = rows::written(world).await;
        let again = places(&anar, &kristal, 1500, "once").await;
        assert!(replayed(&again), "{again:?}");
        assert_eq!(again.header("etag"), first.header("etag"));
        let mut told = again.ok(201).clone();
        assert_ne!(told["server_now"], placed["server_now"], "an answer says what time it is");
        told["server_now"] = placed["server_now"].clone();
        assert_eq!(told, placed);
        rows::unchanged(world, &before, "a repeat").await;
    }

    /// ORD-4: another body, or another version seen, is another command.
    async fn a_key_serves_one_command(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let placed = places(&anar, &kristal, 1500, "k").await.ok(201).clone();
        let before = rows::written(world).await;
        places(&anar, &kristal, 1501, "k").await.problem(422, "idempotency_key_reused");
        rows::unchanged(world, &before, "a key used twice").await;
        let accept = format!("/v1/partner/orders/{}/accept", placed["id"].as_str().unwrap());
        let accepts = |seen| Raw::of(&kristal, "POST", &accept).key("k").seen(seen).send();
        accepts(1).await.ok(200);
        accepts(2).await.problem(422, "idempotency_key_reused");
        assert!(replayed(&accepts(1).await), "the first one is kept");
    }

    /// ORD-4: a key is scoped to a person and a route.
    async fn a_key_is_nobody_elses(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let hers = places(&leyla, &kristal, 1500, "k").await.ok(201)["id"].clone();
        let his = places(&anar, &kristal, 1500, "k").await;
        assert!(!replayed(&his) && his.ok(201)["id"] != hers, "{his:?}");
        let body = json!({"name": "Anar", "lang": "ru"});
        let profile = Raw::of(&anar, "PUT", "/v1/client/profile").key("k").json(&body).send().await;
        assert!(!replayed(&profile), "{profile:?}");
        assert_eq!(profile.ok(200)["lang"], "ru");
    }

    /// ORD-4: a refusal is not stored; the same command under the same key succeeds later.
    async fn what_was_refused_may_succeed_under_the_same_key(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.takes_orders(false).await.ok();
        for _ in 0..2 {
            let refused = places(&anar, &kristal, 1500, "later").await;
            refused.problem(409, "partner_not_taking");
            assert!(!replayed(&refused), "{refused:?}");
        }
        kristal.takes_orders(true).await.ok();
        assert!(!replayed(&places(&anar, &kristal, 1500, "later").await));
        assert!(replayed(&places(&anar, &kristal, 1500, "later").await));
        assert_eq!(orders_of(&anar).await, 1);
    }

    /// ORD-4: a repeat sent while the first is running waits for its answer.
    async fn eight_repeats_at_once_are_one_command(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let all = join_all((0..8).map(|_| places(&anar, &kristal, 1500, "at-once"))).await;
        let ids: Vec<_> = all.iter().map(|answer| answer.ok(201)["id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(all.iter().filter(|answer| !replayed(answer)).count(), 1);
        assert_eq!(orders_of(&anar).await, 1);
    }

    /// ORD-4: a key expires after 48 hours.
    async fn a_key_is_forgotten_after_two_days(world) {
        let anar = world.client("Anar").await;
        let body = json!({"plate": "99-ZZ-001", "make": "Lada Niva", "class": "suv"});
        let adds = || Raw::of(&anar, "POST", "/v1/client/cars").key("car").json(&body).send();
        adds().await.ok(201);
        let kept = minutes(platform::engine::idempotency::KEPT_HOURS * 60);
        assert_eq!(kept, minutes(48 * 60));
        world.clock.set(world.now() + kept);
        forget(world).await;
        assert!(replayed(&adds().await), "kept 48 hours");
        world.clock.set(world.now() + minutes(1));
        forget(world).await;
        adds().await.problem(409, "car_known");
    }
}

async fn forget(world: &World) {
    let (db, now) = (&world.app().engine.shared().db.write, world.now());
    let before = now - minutes(platform::engine::idempotency::KEPT_HOURS * 60);
    platform::engine::idempotency::forget(db, before).await.unwrap();
}
