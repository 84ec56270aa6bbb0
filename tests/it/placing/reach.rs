//! The distance and hour limits of placing a quick order (LIM-4, QO-1).

use serde_json::{Value, json};

use crate::support::{Branch, Client, Order, Reply, World, instant, seconds};

/// An order request from this many degrees south of the branch.
fn wish(client: &Client, branch: &Branch, south: f64) -> Value {
    let mut wish = client.wish(branch, &["wash.body"]);
    wish["origin"] = json!({"lat": branch.lat - south, "lon": branch.lon});
    wish
}

async fn previews(client: &Client, wish: &Value) -> Reply {
    client.post("/v1/client/orders/preview", wish.clone()).await
}

async fn places(client: &Client, mut wish: Value) -> Reply {
    wish["shown_total"] = json!(1500);
    client.post("/v1/client/orders", wish).await
}

/// Open until 12:20 in Baku; it is noon.
async fn closes_soon(world: &World) -> (Branch, Client) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    kristal.keeps_hours(&[(540, 740)]).await.ok();
    (kristal, anar)
}

both! {
    /// LIM-4: 60 km, or a route of 120 min: at 28 km/h and 140 % of the straight line 40 km are the
    /// farthest; a booking may be made from anywhere.
    async fn lim_4_a_quick_order_is_placed_from_near(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.adds_bay("Bay 1", "wash").await;
        // A degree is 111.195 km: 38.9 km and 41.1 km.
        previews(&anar, &wish(&anar, &kristal, 0.35)).await.ok();
        let far = previews(&anar, &wish(&anar, &kristal, 0.37)).await;
        assert_eq!(far.refused("origin_too_far")["route_max_min"], 120);
        assert_eq!(far.status, 422);
        places(&anar, wish(&anar, &kristal, 0.37)).await.refused("origin_too_far");
        let mut booking = wish(&anar, &kristal, 2.0);
        booking["kind"] = json!("booking");
        booking["starts_at"] = json!("2026-11-21T08:00:00Z");
        places(&anar, booking).await.status("requested");
        // With straight and fast roads the distance is the limit.
        let fast = json!({"arrival": {"route_speed_kmh": 100, "route_detour_pct": 100}});
        crate::support::policy::publishes_now(world, fast).await.ok();
        previews(&anar, &wish(&anar, &kristal, 0.53)).await.ok();
        let far = previews(&anar, &wish(&anar, &kristal, 0.55)).await;
        assert_eq!(far.refused("origin_too_far")["origin_max_km"], 60);
    }

    /// QO-1: from 25 km, 75 min away, the client would arrive after closing: the preview says so,
    /// and nothing is placed, unless the branch takes such orders.
    async fn qo_1_nobody_is_sent_to_a_closed_door(world) {
        let (kristal, anar) = closes_soon(world).await;
        let far = wish(&anar, &kristal, 0.225);
        for refused in [previews(&anar, &far).await, places(&anar, far.clone()).await] {
            refused.refused("arrives_after_closing");
            assert_eq!(refused.at("closes_at"), instant("2026-11-20T08:20:00Z"));
            assert_eq!(refused.status, 409);
        }
        kristal.sets(json!({"late_arrivals": true})).await.ok();
        let late = json!(["arrives_after_closing"]);
        assert_eq!(previews(&anar, &far).await.ok()["warnings"], late);
        assert_eq!(places(&anar, far).await.status("requested")["warnings"], late);
        let branch = kristal.get("/v1/partner/branch").await;
        assert_eq!(branch.ok()["late_arrivals"], true);
    }

    /// QO-1: expected at 12:15:01, with a deadline of 12:25:01: placed with a warning if the branch
    /// closes at 12:20, refused if it closes at 12:15.
    async fn qo_1_a_deadline_after_closing_is_warned_of(world) {
        let (kristal, anar) = closes_soon(world).await;
        let shown = anar.previews(&kristal, &["wash.body"]).await;
        assert_eq!(shown.ok()["warnings"], json!(["arrives_after_closing"]));
        kristal.keeps_hours(&[(540, 735)]).await.ok();
        anar.previews(&kristal, &["wash.body"]).await.refused("arrives_after_closing");
        kristal.keeps_hours(&[(540, 746)]).await.ok();
        assert_eq!(anar.previews(&kristal, &["wash.body"]).await.ok()["warnings"], json!([]));
    }

    /// QO-8: alternatives can be placed: a branch that closes before the client could arrive is
    /// left out.
    async fn qo_8_alternatives_are_open_when_the_client_arrives(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let (early, open) = (world.branch("Early").await, world.branch("Open").await);
        early.keeps_hours(&[(540, 730)]).await.ok();
        let order = anar.orders(&kristal).await;
        kristal.declines(&order).await.ok();
        let found = anar.alternatives(&order).await;
        let ids: Vec<&Value> =
            found.ok()["items"].as_array().unwrap().iter().map(|i| &i["partner"]["id"]).collect();
        assert_eq!(ids, [&json!(open.partner_id)]);
        let place = found.json["items"][0]["place"].clone();
        world.advance(seconds(1)).await;
        Order::of(&anar.post("/v1/client/orders", place).await);
    }
}
