//! Limits on the rows of a branch (LIM-7), under a policy with small numbers, so that each limit is
//! reached soon. The default numbers are checked against the policy.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::policy::{POLICY, publishes_now};
use crate::support::{Branch, Reply, World, instant, minutes};

/// Kristal, with room for two more of everything; it has two services and an owner.
async fn kristal(world: &World) -> Branch {
    let small = json!({"catalogue": {
        "services_max": 4, "bays_max": 2, "staff_max": 3, "blocks_max": 2, "special_days_max": 2,
    }});
    publishes_now(world, small).await.ok();
    world.branch("Kristal").await
}

/// Two of five concurrent requests succeeded, the others were refused with this code and limit.
#[track_caller]
fn two_of(replies: &[Reply], code: &str, limit: i64) {
    let yes = replies.iter().filter(|reply| (200..300).contains(&reply.status)).count();
    assert_eq!(yes, 2, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status >= 300) {
        assert_eq!(reply.refused(code)["limit"], limit);
    }
}

both! {
    /// LIM-7: the default numbers of the policy.
    async fn lim_7_the_numbers_of_the_rulebook(world) {
        let policy = world.support().get(POLICY).await;
        let keys = &policy.ok()["keys"];
        let of = |section: &str, key: &str| keys[section][key].as_i64().unwrap();
        assert_eq!(of("catalogue", "services_max"), 200);
        assert_eq!(of("catalogue", "bays_max"), 50);
        assert_eq!(of("catalogue", "staff_max"), 100);
        assert_eq!(of("catalogue", "blocks_max"), 500);
        assert_eq!(of("catalogue", "special_days_max"), 200);
        assert_eq!(of("client", "cars_max"), 20);
    }

    /// LIM-7: services, bays, people, blocks and special days, five concurrent requests of each.
    async fn lim_7_as_many_as_there_may_be_also_at_one_instant(world) {
        let kristal = kristal(world).await;
        let prices = json!([{"class": "sedan", "price": 1500, "minutes": 30}]);
        let service = |n: i64| {
            let body = json!({"code": format!("s{n}"), "name": "Wash", "prices": prices.clone()});
            kristal.post("/v1/partner/services", body)
        };
        two_of(&join_all((0..5).map(service)).await, "too_many_services", 4);
        let bay = |n: i64| {
            kristal.post("/v1/partner/bays", json!({"name": format!("Bay {n}"), "kind": "wash"}))
        };
        let bays = join_all((0..5).map(bay)).await;
        two_of(&bays, "too_many_bays", 2);
        let hired = |phone: String| {
            kristal.post("/v1/partner/staff", json!({"phone": phone, "role": "operator"}))
        };
        let phones: Vec<String> = (0..5).map(|_| world.scene.phone()).collect();
        two_of(&join_all(phones.into_iter().map(hired)).await, "too_many_staff", 3);
        let bay = bays.iter().find(|reply| reply.status == 201).unwrap();
        let bay = bay.json["id"].as_str().unwrap();
        let begins = instant("2026-11-21T08:00:00Z");
        let block = |n: i32| {
            let from = begins + minutes(10) * n;
            kristal.blocks(bay, from, from + minutes(10))
        };
        let blocks = join_all((0..5).map(block)).await;
        two_of(&blocks, "too_many_blocks", 2);
        let day = |n: i64| {
            let kristal = &kristal;
            async move { kristal.keeps_day(&format!("2026-12-0{n}"), &[]).await }
        };
        let days = join_all((1..6).map(day)).await;
        two_of(&days, "too_many_special_days", 2);
        // Removing one makes room; an existing date is replaced.
        let block = blocks.iter().find(|reply| reply.status == 201).unwrap();
        kristal.unblocks(block).await;
        kristal.blocks(bay, begins + minutes(100), begins + minutes(110)).await.ok();
        let there = |reply: &&Reply| reply.status == 200;
        let date: &Value = &days.iter().find(there).unwrap().json["date"];
        kristal.keeps_day(date.as_str().unwrap(), &[(540, 600)]).await.ok();
    }
}
