//! Overruns: cars that stay in a bay for longer than planned (BK-10).

use serde_json::{Value, json};

use super::one_bay;
use crate::support::{Branch, Order, Reply, instant, minutes, seconds};

impl Branch {
    async fn admits_larger(&self, order: &Order) -> Reply {
        let path = format!("/v1/partner/orders/{}/admit", order.id);
        self.post(&path, json!({"car_class": "suv"})).await
    }
}

both! {
    /// BK-10, ORD-10: admitted at 16:12 as a larger car, for forty minutes: the partner sees at
    /// once that this ends 22 minutes into the next visit, and its client is warned at once.
    async fn bk_10_a_larger_class_at_the_admit_warns_the_next_client(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let four = instant("2026-11-20T16:00:00Z");
        let first = anar.has_booked(&kristal, four).await;
        let next = leyla.has_booked(&kristal, four + minutes(30)).await;
        world.until(four).await;
        anar.departs(&first).await.ok();
        world.until(four + minutes(5)).await;
        anar.drives_to(world, &first, &kristal).await.ok();
        world.until(four + minutes(12)).await;
        let (mut branch, mut client) = (kristal.follows().await, leyla.follows().await);
        let active = kristal.admits_larger(&first).await;
        assert_eq!(active.at("planned_end"), four + minutes(52));
        let clash = &active.ok()["clashes"][0];
        assert_eq!(clash["order_id"], json!(next.id));
        assert_eq!(clash["from"], "2026-11-20T16:30:00Z");
        let told = branch.hears("order.bay_overrun").await;
        assert_eq!(told["data"]["order"]["id"], json!(next.id));
        assert_eq!(told["data"]["note"]["overrun_by"]["id"], json!(first.id));
        let told = client.hears("order.start_delayed").await;
        assert_eq!(told["data"]["note"]["planned_end"], "2026-11-20T16:52:00Z");
        assert!(told["data"]["note"].get("overrun_by").is_none());
        assert!(anar.sees(&first).await.ok().get("clashes").is_none());
        kristal.completes(&first, 2000).await.ok();
    }

    /// BK-10, ADD-2: services added on the spot that run into the next visit do the same; a
    /// conflict that existed before is not reported again.
    async fn bk_10_services_added_on_the_spot_warn_once(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let four = instant("2026-11-20T16:00:00Z");
        let first = anar.has_booked(&kristal, four).await;
        let next = leyla.has_booked(&kristal, four + minutes(30)).await;
        world.until(four).await;
        let active = kristal.admits(&first).await;
        assert!(active.status("active").get("clashes").is_none());
        let mut client = leyla.follows().await;
        let longer = kristal.changes_services(&first, &["wash.full"]).await;
        assert_eq!(longer.ok()["clashes"][0]["order_id"], json!(next.id));
        client.hears("order.start_delayed").await;
        let longer = kristal.changes_services(&first, &["wash.full", "wash.body"]).await;
        assert!(longer.ok().get("clashes").is_none());
        kristal.completes(&first, 4000).await.ok();
    }

    /// BK-10, BK-2: a car planned until 08:30 and still there at 08:32 holds its bay: a quick order
    /// that arrives at 08:47 clashes with it, and holds no bay if the partner accepts with an
    /// override; then both are warned.
    async fn bk_10_a_car_that_stays_holds_its_bay(world) {
        let (kristal, anar) = one_bay(world).await;
        let (leyla, farid) = (world.client("Leyla").await, world.client("Farid").await);
        let first = anar.orders(&kristal).await;
        kristal.accepts(&first).await.ok();
        kristal.admits(&first).await.ok();
        let mut branch = kristal.follows().await;
        world.advance(minutes(32)).await;
        let told = branch.hears("order.overrun").await;
        // Half an hour more than the planned 08:30.
        assert_eq!(told["data"]["order"]["place"]["until"], "2026-11-20T09:00:00Z");
        let second = leyla.orders(&kristal).await;
        let clash = kristal.accepts(&second).await;
        clash.refused_as("bay_clash", "requested");
        let mut client = leyla.follows().await;
        let taken = kristal.overbooks(&second).await;
        assert_eq!(taken.status("confirmed")["overbooked"], true);
        let told = branch.hears("order.bay_overrun").await;
        assert_eq!(told["data"]["order"]["id"], json!(second.id));
        assert_eq!(told["data"]["note"]["overrun_by"]["id"], json!(first.id));
        let told = client.hears("order.start_delayed").await;
        assert_eq!(told["data"]["note"]["planned_end"], "2026-11-20T08:30:00Z");
        // From 25 km away the bay is free by then: 45 km by road are an hour and a half.
        let mut wish = farid.wish(&kristal, &["wash.body"]);
        wish["origin"] = json!({"lat": kristal.lat - 0.225, "lon": kristal.lon});
        wish["shown_total"] = json!(1500);
        let third = Order::of(&farid.post("/v1/client/orders", wish).await);
        assert_eq!(kristal.accepts(&third).await.status("confirmed")["overbooked"], false);
        kristal.completes(&first, 1500).await.status("completed");
        let nigar = world.client("Nigar").await;
        let fourth = nigar.orders(&kristal).await;
        assert_eq!(kristal.accepts(&fourth).await.status("confirmed")["overbooked"], false);
    }

    /// BK-10: the bay is held for hours if needed; it is free as soon as the car is gone.
    async fn bk_10_the_bay_is_held_until_the_car_is_gone(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let first = anar.orders(&kristal).await;
        kristal.accepts(&first).await.ok();
        kristal.admits(&first).await.ok();
        world.advance(minutes(200)).await;
        let held = kristal.sees(&first).await;
        assert!(held.ok()["place"]["until"].as_str().unwrap() > "2026-11-20T11:20:00Z");
        let second = leyla.orders(&kristal).await;
        kristal.accepts(&second).await.refused("bay_clash");
        kristal.completes(&first, 1500).await.ok();
        assert_eq!(kristal.accepts(&second).await.status("confirmed")["overbooked"], false);
    }

    /// BK-10: a quick order that has the bay from 08:31 on is warned when the car before it is
    /// still there; it keeps the bay.
    async fn bk_10_a_quick_order_that_comes_next_is_warned(world) {
        let (kristal, anar) = one_bay(world).await;
        let leyla = world.client("Leyla").await;
        let first = anar.orders(&kristal).await;
        kristal.accepts(&first).await.ok();
        kristal.admits(&first).await.ok();
        world.until(instant("2026-11-20T08:16:00Z")).await;
        let second = leyla.orders(&kristal).await;
        let yes = kristal.accepts(&second).await;
        assert_eq!(yes.status("confirmed")["place"]["from"], "2026-11-20T08:31:01Z");
        let (mut branch, mut client) = (kristal.follows().await, leyla.follows().await);
        world.until(instant("2026-11-20T08:31:00Z") + seconds(1)).await;
        let told = branch.hears("order.bay_overrun").await;
        assert_eq!(told["data"]["order"]["id"], json!(second.id));
        client.hears("order.start_delayed").await;
        assert_eq!(kristal.sees(&second).await.ok()["place"], yes.json["place"]);
        assert_ne!(yes.json["place"], Value::Null);
        kristal.completes(&first, 1500).await.ok();
    }
}
