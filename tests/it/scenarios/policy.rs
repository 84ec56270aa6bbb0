//! Policy changes at run time: when and to what they apply, who may publish, what is refused.

use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use entity::support_agent::SupportRole;
use serde_json::{Value, json};

use crate::support::policy::{
    POLICY, agent, held, in_force, publishes, publishes_now, second_node,
};
use crate::support::world::{Backend, World, tell};
use crate::support::{minutes, seconds};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// How long another node may take to load a version, real seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tenth of every amount as commission, and a fifth for a late cancel.
fn dearer() -> Value {
    json!({
        "commission": {"brackets": [{"rate_bp": 1000}]},
        "quick": {"fee_bp": 2000, "fee_cap": 400},
    })
}

both! {
    /// ORD-7, COM-1, PEN-2: a version is in force from its instant and not before; an order keeps
    /// the one it was placed under, for commission and fee alike.
    async fn ord_7_a_version_applies_to_what_is_placed_after_it(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let (leyla, rauf) = (world.client("Leyla").await, world.client("Rauf").await);
        let then = world.now() + minutes(60);
        let published = publishes(world, dearer(), then).await;
        assert_eq!((published.status, &published.ok()["version"]), (201, &json!(2)));
        world.until(then - minutes(1)).await;
        let (served, left) = (anar.orders(&kristal).await, leyla.orders(&kristal).await);
        kristal.accepts(&served).await.ok();
        kristal.accepts(&left).await.ok();
        world.until(then - MICROSECOND).await;
        assert_eq!(in_force(world).await, 1);
        assert_eq!(rauf.get("/v1/open/commission?amount=1500").await.money("commission"), 135);
        world.until(then).await;
        assert_eq!(in_force(world).await, 2);
        assert_eq!(rauf.get("/v1/open/commission?amount=1500").await.money("commission"), 150);

        world.advance(seconds(11)).await;
        assert_eq!(leyla.cancels(&left).await.money("penalty"), 150);
        kristal.admits(&served).await.ok();
        kristal.completes(&served, 1500).await.ok();
        assert_eq!(kristal.balance().await, (5000 - 135, 0, 5000 - 135));
        let (served, left) = (anar.orders(&kristal).await, rauf.orders(&kristal).await);
        kristal.accepts(&served).await.ok();
        kristal.accepts(&left).await.ok();
        assert_eq!(kristal.balance().await.1, 150 + 150);
        world.advance(seconds(11)).await;
        assert_eq!(rauf.cancels(&left).await.money("penalty"), 300);
        kristal.admits(&served).await.ok();
        kristal.completes(&served, 1500).await.ok();
        assert_eq!(kristal.balance().await.0, 5000 - 135 - 150);
    }

    /// ORD-7, SAN-1, BAL-2: floors and sanctions follow today's version, whatever an order was
    /// placed under.
    async fn floors_and_sanctions_follow_today(world) {
        let (kristal, anar) = (world.branch_with("Kristal", 100).await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        publishes_now(world, json!({"balance": {"floor": 0}, "client": {"ban_count": 1}})).await.ok();
        kristal.accepts(&order).await.refused("insufficient_balance");
        publishes_now(world, json!({"balance": {"floor": -35}})).await.ok();
        kristal.accepts(&order).await.ok();
        world.advance(seconds(11)).await;
        anar.cancels(&order).await.status("cancelled");
        world.advance(MICROSECOND).await;
        anar.tries(&kristal, &["wash.body"]).await.refused("client_banned");
    }

    /// NOT-6, SUP-4: support gets an event for a version, and reads who published it, why, and what
    /// it changed.
    async fn support_hears_of_versions_and_reads_them(world) {
        let mut hears = world.support().watches("policy").await;
        let chief = &world.support().person_id;
        let then = world.now() + minutes(5);
        let published = publishes(world, json!({"quick": {"fee_cap": 300}}), then).await;
        assert_eq!(published.ok()["warnings"].as_array().unwrap().len(), 7);
        let told = hears.hears("support.policy_published").await["data"].clone();
        assert_eq!((&told["version"], &told["reason"]), (&json!(2), &json!("As announced")));
        let changed = json!([{"key": "quick.fee_cap", "before": 200, "after": 300}]);
        assert_eq!((&told["changed"], &told["by"]), (&changed, &json!(chief)));

        publishes(world, json!({"quick": {"fee_cap": 350}}), then).await.ok();
        let page = world.support().get("/v1/support/policy/versions?limit=2").await;
        let versions: Vec<i64> = page.ok()["items"].as_array().unwrap().iter()
            .map(|row| row["version"].as_i64().unwrap()).collect();
        assert_eq!(versions, [3, 2]);
        let cursor = page.json["next_cursor"].as_str().unwrap();
        let path = format!("/v1/support/policy/versions?limit=2&cursor={cursor}");
        let rest = world.support().get(&path).await;
        assert_eq!(rest.ok()["items"][0]["version"], 1);
        assert!(rest.json["items"][0]["by"].is_null() && rest.json["next_cursor"].is_null());
        let third = world.support().get("/v1/support/policy/versions/3").await;
        assert_eq!(third.at("effective_at"), then);
        assert_eq!(third.at("published_at"), world.now());
        assert_eq!(third.ok()["keys"]["quick"]["fee_cap"], 350);
        let changed = json!([{"key": "quick.fee_cap", "before": 300, "after": 350}]);
        assert_eq!(third.json["changed"], changed);
        world.support().get("/v1/support/policy/versions/4").await.refused("no_such_policy");
        // Of two for one instant the later published counts.
        world.until(then).await;
        assert_eq!(in_force(world).await, 3);
    }

    /// Each invalid draft is refused with its own code, and nothing of it is stored.
    async fn wrong_drafts_are_refused_each_in_its_own_way(world) {
        let now = world.now();
        let cap = json!({"quick": {"fee_cap": 300}});
        let unknown = publishes_now(world, json!({"quick": {"fee": 1}})).await;
        assert_eq!(unknown.refused("policy_key_unknown")["key"], "quick.fee");
        let wrong = publishes_now(world, json!({"quick": {"fee_cap": "3.00"}})).await;
        assert_eq!(wrong.refused("policy_value_invalid")["key"], "quick.fee_cap");
        publishes_now(world, json!({"quick": {"fee_cap": 200}})).await.refused("policy_unchanged");
        publishes_now(world, json!({})).await.refused("policy_unchanged");
        publishes_now(world, json!({"quick": 1})).await.refused("malformed");
        let past = publishes(world, cap.clone(), now - MICROSECOND).await;
        past.refused("policy_in_the_past");
        let far = publishes(world, cap.clone(), now + TimeDelta::days(367)).await;
        assert_eq!(far.refused("policy_too_far")["until"], wire(now + TimeDelta::days(366)));
        let broken = json!({"commission": {"brackets": [{"up_to": 2000, "rate_bp": 900}]}});
        let broken = publishes_now(world, broken).await;
        let findings = broken.refused("policy_broken")["findings"].clone();
        assert_eq!((&findings[0]["code"], &findings[0]["severity"]), (&json!("brackets_end"), &json!("error")));
        let body = json!({"changes": cap, "reason": " "});
        world.support().post(POLICY, body).await.refused("reason_required");
        publishes(world, cap, now + minutes(10)).await.ok();
        let later = publishes(world, json!({"quick": {"fee_cap": 250}}), now + minutes(9)).await;
        assert_eq!(later.refused("policy_out_of_order")["effective_at"], wire(now + minutes(10)));
        let versions = world.support().get("/v1/support/policy/versions").await;
        assert_eq!(versions.ok()["items"].as_array().unwrap().len(), 2);
    }

    /// ORD-4: a repeated command gets the same answer and publishes nothing; of two concurrent ones
    /// the second is based on the first.
    async fn versions_are_one_after_another(world) {
        let support = world.support();
        let body = |key: &str, value: i64| {
            json!({"changes": {"quick": {key: value}}, "reason": "As announced"})
        };
        let first = support.ask("POST", POLICY).body(body("fee_cap", 300)).key("one").send().await;
        let again = support.ask("POST", POLICY).body(body("fee_cap", 300)).key("one").send().await;
        assert!(again.replayed && again.json["version"] == first.ok()["version"]);
        let (one, two) = tokio::join!(
            support.post(POLICY, body("fee_cap", 310)),
            support.post(POLICY, body("fee_bp", 1100)),
        );
        let mut numbers = [&one, &two].map(|reply| reply.ok()["version"].as_i64().unwrap());
        numbers.sort_unstable();
        assert_eq!(numbers, [3, 4]);
        let keys = support.get(POLICY).await.ok()["keys"]["quick"].clone();
        assert_eq!((&keys["fee_cap"], &keys["fee_bp"]), (&json!(310), &json!(1100)));
    }

    /// SUP-4: managers read and check; administrators publish and rehearse.
    async fn managers_check_and_administrators_publish(world) {
        let manager = agent(world, SupportRole::Manager).await;
        let changes = json!({"changes": {"quick": {"fee_cap": 0}}});
        let checked = manager.post("/v1/support/policy/check", changes.clone()).await;
        assert_eq!((&checked.ok()["version"], &checked.json["ok"]), (&json!(1), &json!(true)));
        let found = checked.json["findings"].as_array().unwrap();
        assert!(found.iter().any(|finding| finding["code"] == "fee_inert"), "{found:?}");
        let broken = json!({"changes": {"addon": {"ttl_s": 0}}});
        let checked = manager.post("/v1/support/policy/check", broken).await;
        assert_eq!(checked.ok()["ok"], false);
        assert_eq!(checked.json["findings"][0]["code"], "value_too_low");
        let mut body = changes;
        body["reason"] = json!("A gift");
        manager.post(POLICY, body.clone()).await.refused("forbidden");
        let administrator = agent(world, SupportRole::Administrator).await;
        administrator.post(POLICY, body).await.ok();
        let all = manager.get("/v1/support/policy/check").await;
        assert_eq!(all.ok()["versions"].as_array().unwrap().len(), 1);
        assert_eq!(all.json["versions"][0]["version"], 2);
    }

    /// A restart loads all versions again.
    async fn versions_outlive_a_restart(world) {
        publishes_now(world, dearer()).await.ok();
        world.is_down_for(minutes(1)).await;
        assert_eq!(in_force(world).await, 2);
    }
}

fn wire(at: entity::value::Instant) -> Value {
    serde_json::to_value(at).unwrap()
}

/// COM-1: the command line checks the published versions and drafts; errors set its exit status.
#[test]
fn com_1_the_command_line_checks_a_draft() {
    let folder = std::env::temp_dir().join(format!("yumo-it-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&folder).unwrap();
    let draft = folder.join("draft.toml");
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_yumo"))
            .args(["policy", "check"])
            .args(arguments)
            .env("YUMO__DATABASE__URL", format!("sqlite://{}/yumo.db?mode=rwc", folder.display()))
            .env("YUMO__CRYPTO__KEY_FILE", folder.join("keys"))
            .env("YUMO__LOG__FILTER", "off")
            .output()
            .unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code(), said(done.stdout), said(done.stderr))
    };
    let (code, out, err) = run(&[]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("version 1: 7 findings\n  warning commission_cliff"), "{out}");
    let file = ["--file", draft.to_str().unwrap()];
    std::fs::write(&draft, "[commission]\nmode = \"monotone\"\n[fee]\nblock_debt = 500\n").unwrap();
    assert_eq!(run(&file), (Some(0), "draft on version 1: 0 findings\n".to_owned(), String::new()));
    std::fs::write(&draft, "[balance]\nfloor = 1\n").unwrap();
    let (code, out, _) = run(&file);
    assert_eq!(code, Some(1));
    assert!(out.contains("error floor_positive (balance.floor)"), "{out}");
    std::fs::write(&draft, "[balance]\nflor = 1\n").unwrap();
    let (code, _, err) = run(&file);
    assert_eq!(code, Some(1));
    assert!(err.contains("policy_key_unknown: There is no key balance.flor"), "{err}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Another node loads a version by the bus, and serves an order placed under it even before that.
#[test]
fn every_node_learns_of_a_version_on_postgres() {
    tell(Backend::Postgres, async |world: &mut World| {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let second = second_node(world).await;
        publishes_now(world, dearer()).await.ok();
        assert_eq!(held(world.app()), 2);
        let order = anar.orders(&kristal).await;
        world.scene.moves_to(&second);
        kristal.accepts(&order).await.ok();
        assert_eq!(kristal.balance().await.1, 150);
        assert_eq!(held(&second), 2);

        world.scene.moves_to(world.app());
        publishes_now(world, json!({"quick": {"fee_cap": 300}})).await.ok();
        let heard = async {
            while held(&second) != 3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("the bus tells the second node");
        second.stop().await;
    });
}
