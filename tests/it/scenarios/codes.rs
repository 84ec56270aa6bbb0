//! Campaign codes: they cannot be guessed, and each device gets the bonus once (LIM-6).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::ask::{minutes, seconds};
use crate::support::{Person, Reply, World};

async fn campaign(world: &World, changes: Value) -> Reply {
    let mut body = json!({
        "name": "Autumn", "audience": "client", "amount": 300, "ttl_h": 480, "budget": 70_000,
        "ends_at": "2026-12-01T00:00:00Z", "reason": "The leaves fall",
    });
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.support().post("/v1/support/campaigns", body).await
}

async fn types(person: &Person, code: &str) -> Reply {
    person.post("/v1/client/bonus/codes", json!({"code": code})).await
}

/// A new client on this device.
async fn on_device(world: &World, device_id: &str) -> Person {
    let phone = world.scene.phone();
    let mut person = Person::stranger(&world.scene, device_id, &phone);
    person.post("/v1/auth/otp", json!({"phone": phone})).await.ok();
    let code = world.scene.mailbox.take(&phone);
    let mut body = json!({"phone": phone, "code": code, "device": "A phone"});
    if !device_id.is_empty() {
        body["device_id"] = json!(device_id);
    }
    let tokens = person.post("/v1/auth/sessions", body).await;
    person.takes(tokens.ok());
    person
}

both! {
    /// LIM-6: a code is either public and bounded by its budget, or generated at random.
    async fn lim_6_a_code_is_public_or_random(world) {
        campaign(world, json!({"code": "AUTUMN26"})).await.refused("campaign_code_guessable");
        campaign(world, json!({"code": "AUTUMN26", "random_code": true})).await.refused("campaign_invalid");
        campaign(world, json!({"public": true})).await.refused("campaign_invalid");
        campaign(world, json!({"code": "AUTUMN26", "public": true})).await.ok();
        let mut codes = Vec::new();
        for _ in 0..20 {
            let made = campaign(world, json!({"random_code": true})).await;
            codes.push(made.ok()["code"].as_str().unwrap().to_owned());
        }
        assert!(codes.iter().all(|code| code.len() >= 10 && code.bytes().all(|b| b.is_ascii_alphanumeric())), "{codes:?}");
        let anar = world.client("Anar").await;
        types(&anar, &codes[3].to_lowercase()).await.ok();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 20);
    }

    /// LIM-6: five wrong codes in an hour block the person for a time, also for the right code.
    async fn lim_6_five_wrong_codes_rest_a_person(world) {
        campaign(world, json!({"code": "AUTUMN26", "public": true})).await.ok();
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        for n in 0..4 {
            types(&anar, &format!("WRONG{n}")).await.refused("no_such_campaign");
        }
        world.advance(minutes(10)).await;
        types(&anar, "WRONG4").await.refused("no_such_campaign");
        let rests = types(&anar, "AUTUMN26").await;
        let rests = rests.refused("codes_rest");
        assert_eq!((&rests["retry_after_s"], &rests["counted"], &rests["status"]), (&json!(3000), &json!("person"), &json!(429)));
        types(&leyla, "AUTUMN26").await.ok();
        // The same holds on another node, and after a restart.
        world.restarts_with(|_| {}).await;
        world.advance(seconds(2999)).await;
        types(&anar, "AUTUMN26").await.refused("codes_rest");
        world.advance(seconds(1)).await;
        types(&anar, "AUTUMN26").await.ok();
    }

    /// LIM-6: however many are entered concurrently, five are compared.
    async fn lim_6_codes_at_one_instant_pass_no_limit(world) {
        let anar = world.client("Anar").await;
        let mut all = tokio::task::JoinSet::new();
        for n in 0..40 {
            let anar = anar.person.clone();
            all.spawn(async move { types(&anar, &format!("WRONG{n}")).await });
        }
        let mut compared = 0;
        while let Some(done) = all.join_next().await {
            let reply = done.unwrap();
            compared += usize::from(reply.json["code"] == "no_such_campaign");
            assert!(["no_such_campaign", "codes_rest", "contended"].contains(&reply.json["code"].as_str().unwrap()), "{}", reply.json);
        }
        assert!((1..=5).contains(&compared), "{compared} were compared");
        while types(&anar, "WRONG").await.json["code"] != "codes_rest" {
            compared += 1;
            assert!(compared <= 5, "{compared} were compared");
        }
    }

    /// LIM-6: fifty wrong codes in an hour block the network address, whoever enters them.
    async fn lim_6_fifty_wrong_codes_rest_an_address(world) {
        campaign(world, json!({"code": "AUTUMN26", "public": true})).await.ok();
        for n in 0..10 {
            let person = on_device(world, &format!("device {n}")).await;
            for m in 0..5 {
                types(&person, &format!("WRONG{n}{m}")).await.refused("no_such_campaign");
            }
        }
        let anar = world.client("Anar").await;
        assert_eq!(types(&anar, "AUTUMN26").await.refused("codes_rest")["counted"], "address");
        world.advance(TimeDelta::hours(1)).await;
        types(&anar, "AUTUMN26").await.ok();
    }

    /// LIM-6: a campaign's bonus is granted once per device, whoever signs in there.
    async fn lim_6_one_device_gets_it_once(world) {
        campaign(world, json!({"code": "AUTUMN26", "public": true})).await.ok();
        campaign(world, json!({"code": "WINTER26", "public": true})).await.ok();
        let (one, two) = (on_device(world, "f00d").await, on_device(world, "f00d").await);
        types(&one, "AUTUMN26").await.ok();
        types(&two, "AUTUMN26").await.refused("granted_already");
        types(&two, "WINTER26").await.ok();
        let unnamed = on_device(world, "").await;
        types(&unnamed, "AUTUMN26").await.refused("device_required");
        // Two concurrent entries on one device.
        let (three, four) = (on_device(world, "beef").await, on_device(world, "beef").await);
        let (a, b) = tokio::join!(types(&three, "AUTUMN26"), types(&four, "AUTUMN26"));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}
