//! Limits on what the operator's staff may move, and the audit record (SUP-2, SUP-4).

use entity::support_agent::SupportRole;
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::{Value, json};

use crate::support::ask::{minutes, money};
use crate::support::faults::{decides, imposes, leaves_late};
use crate::support::policy::{POLICY, agent};
use crate::support::{Client, Person, Reply, World};

async fn grants(who: &Person, client: &Client, amount: i64) -> Reply {
    let body = json!({"client_id": client.person_id, "amount": amount, "reason": "Goodwill"});
    who.post("/v1/support/bonuses", body).await
}

async fn acts(world: &World, filter: &str) -> Vec<Value> {
    let path = format!("/v1/support/acts?{filter}");
    world.support().get(&path).await.ok()["items"].as_array().unwrap().clone()
}

both! {
    /// SUP-4: amounts are limited per act and per day by role; the refusal names the role that may
    /// move more.
    async fn sup_4_a_role_moves_so_much_and_no_more(world) {
        let admin = agent(world, SupportRole::Administrator).await;
        let anar = world.client("Anar").await;
        let no = grants(&admin, &anar, 1_000_000_000).await;
        let no = no.refused("support_limit");
        assert_eq!((&no["limit"], &no["may"]), (&json!("act"), &Value::Null), "not even an owner");
        assert_eq!((no["status"].clone(), money(&no["max"])), (json!(403), 100_000));
        let no = grants(&admin, &anar, 100_001).await;
        assert_eq!(no.refused("support_limit")["may"], "owner");
        // Five times 1000.00 exhaust the day's 5000.00, whatever the kind of act.
        for n in 0..3 {
            let someone = world.client(&format!("Client {n}")).await;
            grants(&admin, &someone, 100_000).await.ok();
        }
        let kristal = world.branch("Kristal").await;
        let credit = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        admin.post(&credit, json!({"amount": 100_000, "reason": "Goodwill"})).await.ok();
        let campaign = |budget: i64| json!({
            "name": "Autumn", "audience": "client", "amount": 300, "ttl_h": 48, "budget": budget,
            "ends_at": "2026-12-01T00:00:00Z", "reason": "The leaves fall",
        });
        admin.post("/v1/support/campaigns", campaign(100_000)).await.ok();
        let no = grants(&admin, &anar, 1).await;
        let no = no.refused("support_limit");
        assert_eq!((&no["limit"], &no["may"]), (&json!("day"), &json!("owner")));
        assert_eq!((money(&no["moved"]), money(&no["max"])), (500_000, 500_000));
        grants(&world.support().0, &anar, 1).await.ok();
        world.advance(minutes(24 * 60)).await;
        grants(&admin, &anar, 1).await.ok();
    }

    /// SUP-4: concurrent acts cannot exceed the day's limit.
    async fn sup_4_acts_at_once_pass_no_day(world) {
        let admin = agent(world, SupportRole::Administrator).await;
        let mut people = Vec::new();
        for n in 0..8 {
            people.push(world.client(&format!("Client {n}")).await);
        }
        let mut all = tokio::task::JoinSet::new();
        for client in people {
            let admin = admin.clone();
            all.spawn(async move { grants(&admin, &client, 100_000).await });
        }
        let mut yes = 0;
        while let Some(done) = all.join_next().await {
            let reply = done.unwrap();
            if reply.status == 201 {
                yes += 1;
            } else {
                reply.refused("support_limit");
            }
        }
        assert_eq!(yes, 5);
        let moved: i64 = acts(world, &format!("actor={}", admin.person_id)).await.iter()
            .map(|act| money(&act["amount"])).sum();
        assert_eq!(moved, yes * 100_000);
    }

    /// SUP-2: many acts of one person at one instant all land, each once; also where all of them
    /// change the same row.
    async fn sup_2_many_acts_at_once_all_land(world) {
        let (kristal, anar) = (world.branch_with("Kristal", 0).await, world.client("Anar").await);
        let support = world.support();
        let credits = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        let mut all = tokio::task::JoinSet::new();
        for n in 1..=64_i64 {
            let (who, credits) = (support.0.clone(), credits.clone());
            let body = json!({"amount": n, "reason": "Goodwill"});
            all.spawn(async move { who.post(&credits, body).await });
        }
        for n in 1..=16_i64 {
            let (who, client) = (support.0.clone(), anar.person_id.clone());
            let body = json!({"client_id": client, "amount": 100 + n, "reason": "Goodwill"});
            all.spawn(async move { who.post("/v1/support/bonuses", body).await });
        }
        while let Some(done) = all.join_next().await {
            done.unwrap().ok();
        }
        let kinds = [("act=credit_partner", 64), ("act=grant_bonus", 16)];
        for (filter, count) in kinds {
            assert_eq!(acts(world, &format!("{filter}&limit=200")).await.len(), count, "{filter}");
        }
        let balance = kristal.get("/v1/partner/balance").await;
        assert_eq!(money(&balance.ok()["posted"]), 64 * 65 / 2);
    }

    /// SUP-2: each act leaves who, from where, why, before and after, in its own transaction; the
    /// record is only added to.
    async fn sup_2_every_act_of_money_is_recorded(world) {
        let kristal = world.branch("Kristal").await;
        let anar = world.client("Anar").await;
        let admin = agent(world, SupportRole::Administrator).await;
        let path = format!("/v1/support/partners/{}/voen", kristal.partner_id);
        let voen = json!({"voen": "1234567891", "verified": false, "reason": "A certificate"});
        admin.post(&path, voen).await.ok();
        let filter = format!("actor={}", admin.person_id);
        let act = acts(world, &filter).await[0].clone();
        assert_eq!((&act["act"], &act["reason"]), (&json!("verify_voen"), &json!("A certificate")));
        assert_eq!((&act["role"], &act["actor_kind"]), (&json!("administrator"), &json!("support")));
        assert_eq!((&act["session_id"], &act["address"]), (&json!(admin.session_id), &json!("127.0.0.1")));
        assert_eq!((&act["subject_kind"], &act["subject_id"]), (&json!("partner"), &json!(kristal.partner_id)));
        assert_eq!((&act["before"], &act["after"]["voen"]), (&json!({}), &json!("1234567891")));
        let row = entity::audit_act::Entity::find().all(&world.db()).await.unwrap();
        let kept = row.iter().map(|row| row.after.to_string()).collect::<String>();
        assert!(!kept.contains("1234567891"), "personal data is sealed: {kept}");

        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        decides(world, &penalty, "waive").await.ok();
        decides(world, &penalty, "reinstate").await.ok();
        let about = acts(world, &format!("subject_id={penalty}")).await;
        let told: Vec<_> = about.iter().map(|act| (act["act"].as_str().unwrap(), act["subject_n"].as_i64().unwrap())).collect();
        assert_eq!(told, [("reinstate_penalty", 2), ("waive_penalty", 1)]);
        assert_eq!((money(&about[1]["amount"]), &about[1]["before"]["state"], &about[1]["after"]["state"]),
            (150, &json!("pending"), &json!("waived")));
        imposes(world, &anar.person_id, "client_ban", 24).await.ok();
        assert_eq!(acts(world, "act=impose_sanction").await.len(), 1);
        let publish = json!({"changes": {"quick": {"fee_cap": 300}}, "reason": "As announced"});
        world.support().post(POLICY, publish).await.ok();
        let act = acts(world, "act=publish_policy").await[0].clone();
        assert_eq!((&act["before"], &act["after"]), (&json!({"quick.fee_cap": 200}), &json!({"quick.fee_cap": 300})));

        let numbers: Vec<i64> = acts(world, &filter).await.iter().rev()
            .map(|act| act["actor_n"].as_i64().unwrap()).collect();
        let last = i64::try_from(numbers.len()).unwrap();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        for sql in ["UPDATE audit_act SET reason = 'x'", "DELETE FROM audit_act"] {
            let done = world.app().engine.shared().db.write.execute_unprepared(sql).await;
            assert!(done.is_err(), "{sql}");
        }
        let manager = agent(world, SupportRole::Manager).await;
        manager.get("/v1/support/acts").await.refused("forbidden");
    }

    /// SUP-2: a refused act leaves no record, a repeated one leaves one.
    async fn sup_2_a_record_lands_with_its_act(world) {
        let anar = world.client("Anar").await;
        let body = json!({"client_id": anar.person_id, "amount": 500, "reason": "Goodwill"});
        let ask = || world.support().ask("POST", "/v1/support/bonuses").key("once").body(body.clone());
        ask().send().await.ok();
        assert!(ask().send().await.replayed);
        let nobody = json!({"client_id": world.support().session_id, "amount": 500, "reason": "x"});
        world.support().post("/v1/support/bonuses", nobody).await.refused("no_such_owner");
        assert_eq!(acts(world, "act=grant_bonus").await.len(), 1);
    }

    /// SUP-4: a role cannot change the limits that apply to it.
    async fn sup_4_only_an_owner_moves_the_bounds(world) {
        let admin = agent(world, SupportRole::Administrator).await;
        let changes = json!({"support": {"administrator_act_max": 200_000}});
        let publish = json!({"changes": changes, "reason": "We need more"});
        let no = admin.post(POLICY, publish.clone()).await;
        assert_eq!(no.refused("policy_owners_only")["key"], "support.administrator_act_max");
        world.support().post(POLICY, publish).await.ok();
        let anar = world.client("Anar").await;
        grants(&admin, &anar, 200_000).await.ok();
        let more = json!({"support": {"manager_act_max": 300_000}});
        let publish = json!({"changes": more, "reason": "Everybody may"});
        world.support().post(POLICY, publish).await.refused("policy_broken");
    }
}
