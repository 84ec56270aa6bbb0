//! Commands that are sent twice under one idempotency key (ORD-4).

use serde_json::json;

use crate::support::{Order, books};

both! {
    /// ORD-4: the same key and body gets the stored answer, whatever happened since.
    async fn the_same_key_and_body_repeats_the_answer(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["shown_total"] = json!(1500);
        let place = || anar.ask("POST", "/v1/client/orders").body(wish.clone()).key("tap-1").send();
        let first = place().await;
        let order = Order::of(&first);
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        let accept = || kristal.ask("POST", &path).body(json!({})).seen(1).key("yes").send();
        accept().await.status("confirmed");
        let before = books::everything(&world.db()).await;
        let again = place().await;
        assert_eq!((again.status, again.replayed, again.etag), (201, true, Some(1)));
        assert_eq!(again.json, first.json);
        let again = accept().await;
        assert!(again.replayed && !first.replayed);
        again.status("confirmed");
        assert_eq!(books::everything(&world.db()).await, before);
        assert_eq!(kristal.balance().await, (5000, 135, 4865));
    }

    /// ORD-4: the same key with another body, or another version seen, is 422.
    async fn the_same_key_with_another_body_is_refused(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["shown_total"] = json!(1500);
        let ask = |body| anar.ask("POST", "/v1/client/orders").body(body).key("tap-1").send();
        let order = Order::of(&ask(wish.clone()).await);
        wish["service_ids"] = json!([kristal.service("wash.full")]);
        let other = ask(wish).await;
        assert_eq!(other.status, 422);
        other.refused("idempotency_key_reused");
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        let accept = |v| kristal.ask("POST", &path).body(json!({})).seen(v).key("yes").send();
        accept(1).await.status("confirmed");
        accept(2).await.refused("idempotency_key_reused");
    }

    /// ORD-4: a refusal is not stored: the same key may succeed later, and that answer is stored.
    async fn a_refusal_is_not_kept(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.takes_orders(false).await.ok();
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["shown_total"] = json!(1500);
        let place = || anar.ask("POST", "/v1/client/orders").body(wish.clone()).key("tap-1").send();
        place().await.refused("partner_not_taking");
        kristal.takes_orders(true).await.ok();
        let placed = place().await;
        assert!(!placed.replayed);
        placed.status("requested");
        assert!(place().await.replayed);
    }

    /// ORD-4: eight concurrent repeats place one order, and each gets its answer.
    async fn eight_taps_at_once_are_one_order(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut wish = anar.wish(&kristal, &["wash.body"]);
        wish["shown_total"] = json!(1500);
        let tap = |_| anar.ask("POST", "/v1/client/orders").body(wish.clone()).key("tap-1").send();
        let replies = futures_util::future::join_all((0..8).map(tap)).await;
        let first = Order::of(&replies[0]);
        assert!(replies.iter().all(|reply| reply.ok()["id"] == json!(first.id)), "{replies:?}");
        assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
        let orders = anar.get("/v1/client/orders").await;
        assert_eq!(orders.ok()["items"].as_array().unwrap().len(), 1);
    }

    /// ORD-4: keys are scoped to their sender and route; a command without one is refused.
    async fn a_key_belongs_to_one_person_and_route(world) {
        let kristal = world.branch("Kristal").await;
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        for client in [&anar, &leyla] {
            let mut wish = client.wish(&kristal, &["wash.body"]);
            wish["shown_total"] = json!(1500);
            let placed = client.ask("POST", "/v1/client/orders").body(wish).key("one").send().await;
            let order = Order::of(&placed);
            let path = format!("/v1/client/orders/{}/cancel", order.id);
            let left = client.ask("POST", &path).body(json!({})).key("one").send().await;
            left.status("cancelled");
            assert!(!placed.replayed && !left.replayed);
        }
        let keyless = anar.ask("POST", "/v1/client/orders").body(json!({})).without_key();
        let keyless = keyless.send().await;
        assert_eq!(keyless.status, 400);
        keyless.refused("idempotency_key_required");
    }
}
