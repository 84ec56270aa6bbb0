//! The night before a special day, and buffers of branches under every policy (BK-12, QO-1).

use serde_json::{Value, json};

use crate::support::policy::publishes_now;
use crate::support::{World, instant};

/// Registers a branch; returns its buffer in minutes on top of the route.
async fn registered(world: &World) -> Value {
    let body = json!({
        "name": "New", "address": format!("New street, {}", world.scene.number()),
        "zone": "Asia/Baku", "point": {"lat": 40.4, "lon": 49.8},
        "owner_phone": world.scene.phone(),
    });
    let branch = world.support().post("/v1/support/partners", body).await;
    branch.ok()["arrival_buffer_min"].clone()
}

both! {
    /// BK-12: Fridays run to 02:00; Saturday becomes a special day. The answer names Friday's
    /// night, which stays, and the visit in it; a closed Friday has no such night.
    async fn bk_12_the_night_before_a_special_day_is_named(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.adds_bay("Bay 1", "wash").await;
        kristal.keeps_hours(&[(720, 1560)]).await.ok();
        let night = instant("2026-11-20T21:00:00Z");
        let visit = anar.has_booked(&kristal, night).await;
        let day = kristal.keeps_day("2026-11-21", &[(600, 900)]).await;
        let one = json!({
            "from": "2026-11-20T20:00:00Z", "until": "2026-11-20T22:00:00Z",
            "visits": [{
                "order_id": visit.id, "code": visit.placed["code"], "kind": "booking",
                "status": "confirmed", "starts_at": "2026-11-20T21:00:00Z",
            }],
        });
        assert_eq!(day.ok()["night_before"], json!([one]));
        assert_eq!(day.ok()["conflicts"], json!([]));
        kristal.keeps_day("2026-11-28", &[]).await.ok();
        let after = kristal.keeps_day("2026-11-29", &[(600, 900)]).await;
        assert_eq!(after.ok()["night_before"], json!([]));
        // Friday's own hours end at midnight now: there is no night left.
        kristal.keeps_day("2026-11-20", &[(540, 1440)]).await.ok();
        let again = kristal.keeps_day("2026-11-21", &[(600, 900)]).await;
        assert_eq!(again.ok()["night_before"], json!([]));
    }

    /// QO-1: every published policy leaves a branch an arrival buffer it can choose.
    async fn qo_1_every_published_buffer_can_be_registered(world) {
        assert_eq!(registered(world).await, 10);
        let broken = publishes_now(world, json!({"quick": {"arrival_buffer_min": 121}})).await;
        let findings = &broken.refused("policy_broken")["findings"];
        assert_eq!(findings[0]["code"], "arrival_buffer_bounds");
        let both = json!({"quick": {"arrival_buffer_min": 121, "arrival_buffer_most_min": 180}});
        publishes_now(world, both).await.ok();
        assert_eq!(registered(world).await, 121);
    }
}
