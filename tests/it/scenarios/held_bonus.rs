//! Payables for bonus-paid orders: they wait before a branch may spend them, and longer under a
//! velocity rule (LIM-6).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::ask::{instant, minutes, seconds};
use crate::support::bonus::{grants, pays_with_bonus, serves};
use crate::support::pay::account;
use crate::support::policy::publishes_now;
use crate::support::{Branch, Client, World};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// A policy without commission and without the rule for new accounts.
async fn plainly(world: &World, bonus: Value) {
    let changes = json!({"commission": {"brackets": [{"rate_bp": 0}]}, "bonus": bonus});
    publishes_now(world, changes).await.ok();
}

async fn pays(world: &World, client: &Client, branch: &Branch, amount: i64) -> String {
    grants(world, client, amount, 24).await;
    let order = pays_with_bonus(client, branch, amount).await;
    serves(branch, &order, 1500).await;
    order.id
}

/// The payables of a branch, newest first.
async fn owed(branch: &Branch) -> Vec<Value> {
    branch.get("/v1/partner/payables").await.ok()["items"].as_array().unwrap().clone()
}

async fn decides(world: &World, debt: &Value, verb: &str) -> crate::support::Reply {
    let path = format!("/v1/support/payables/{}/{verb}", debt["id"].as_str().unwrap());
    world.support().post(&path, json!({"reason": "We asked both"})).await
}

both! {
    /// LIM-6: a payable waits 24 hours before it can be spent.
    async fn lim_6_what_is_owed_waits_a_day(world) {
        plainly(world, json!({"new_account_days": 0})).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        pays(world, &anar, &kristal, 1000).await;
        world.advance(TimeDelta::hours(24)).await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(account(world, &format!("payable:{}", kristal.partner_id)).await, 1000);
        let debt = owed(&kristal).await[0].clone();
        assert_eq!((&debt["state"], &debt["held_until"]), (&json!("owed"), &json!("2026-11-21T08:00:00Z")));
        world.advance(MICROSECOND).await;
        assert_eq!(kristal.balance().await, (6000, 0, 6000));
        let debt = owed(&kristal).await[0].clone();
        assert_eq!((&debt["state"], &debt["held_until"]), (&json!("settled"), &Value::Null));
    }

    /// LIM-6: two orders of one client and branch in seven days hold both payables, as long as both
    /// count; support is notified once.
    async fn lim_6_a_pair_that_comes_again_waits_longer(world) {
        plainly(world, json!({"new_account_days": 0})).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut queue = world.support().watches("money").await;
        let first = pays(world, &anar, &kristal, 1000).await;
        world.advance(minutes(60)).await;
        let second = pays(world, &anar, &kristal, 500).await;
        // Another client of the same branch forms no pair.
        let leyla = world.client("Leyla").await;
        pays(world, &leyla, &kristal, 300).await;
        world.advance(TimeDelta::hours(25)).await;
        assert_eq!(kristal.balance().await.0, 5300);
        for order in [&first, &second] {
            let told = queue.hears("support.payable_held").await;
            let told = &told["data"]["payable"];
            assert_eq!((&told["order_id"], &told["held_by"]), (&json!(order), &json!("pair_orders")));
        }
        world.until(instant("2026-11-27T08:00:00Z")).await;
        assert_eq!(kristal.balance().await.0, 5300);
        // Seven days after the first they are no longer a pair.
        world.until(instant("2026-11-28T10:00:00Z")).await;
        assert_eq!(kristal.balance().await.0, 6800);
        assert!(owed(&kristal).await.iter().all(|debt| debt["state"] == "settled"));
    }

    /// LIM-6: support may release or refuse a held payable.
    async fn lim_6_support_decides_what_is_held(world) {
        plainly(world, json!({"new_account_days": 0})).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        pays(world, &anar, &kristal, 1000).await;
        world.advance(minutes(1)).await;
        pays(world, &anar, &kristal, 500).await;
        world.advance(TimeDelta::hours(25)).await;
        let debts = owed(&kristal).await;
        assert_eq!(decides(world, &debts[0], "refuse").await.ok()["state"], "refused");
        assert_eq!(decides(world, &debts[1], "release").await.ok()["state"], "settled");
        decides(world, &debts[1], "refuse").await.refused("payable_decided");
        assert_eq!(kristal.balance().await.0, 6000);
        assert_eq!(account(world, "operator:payables_refused").await, 500);
        let acts = world.support().get("/v1/support/acts?act=refuse_payable").await;
        assert_eq!(acts.ok()["items"][0]["after"]["state"], "refused");
        world.advance(TimeDelta::days(20)).await;
        assert_eq!(kristal.balance().await.0, 6000);
    }

    /// LIM-6: the payable for a new account's first order waits until the account is not new; what
    /// is still held after two weeks is left to support.
    async fn lim_6_a_new_account_and_no_device(world) {
        plainly(world, json!({})).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        pays(world, &anar, &kristal, 1000).await;
        world.until(instant("2026-11-27T07:00:00Z")).await;
        assert_eq!(kristal.balance().await.0, 5000);
        assert_eq!(owed(&kristal).await[0]["held_by"], "new_account");
        world.until(instant("2026-11-27T08:00:01Z")).await;
        assert_eq!(kristal.balance().await.0, 6000);

        let phone = world.scene.phone();
        let nobody = crate::support::Person::stranger(&world.scene, "Leyla", &phone);
        nobody.post("/v1/auth/otp", json!({"phone": phone})).await.ok();
        let code = world.scene.mailbox.take(&phone);
        let body = json!({"phone": phone, "code": code, "device": "A phone"});
        let tokens = nobody.post("/v1/auth/sessions", body).await;
        let mut person = nobody.clone();
        person.takes(tokens.ok());
        let leyla = Client::buys(person, "sedan").await;
        pays(world, &leyla, &kristal, 700).await;
        let mut queue = world.support().watches("money").await;
        world.advance(TimeDelta::days(13)).await;
        assert_eq!((kristal.balance().await.0, &owed(&kristal).await[0]["held_by"]), (6000, &json!("no_device")));
        world.advance(TimeDelta::days(1) + seconds(1)).await;
        assert_eq!(owed(&kristal).await[0]["state"], "suspended");
        queue.hears("support.payable_suspended").await;
        let debt = owed(&kristal).await[0].clone();
        assert_eq!(decides(world, &debt, "release").await.ok()["state"], "settled");
        assert_eq!(kristal.balance().await.0, 6700);
    }

    /// LIM-6: payables of a branch whose weekly turnover is more bonus than money wait.
    async fn lim_6_a_week_of_bonus_waits(world) {
        plainly(world, json!({"new_account_days": 0, "week_orders_min": 3})).await;
        let kristal = world.branch("Kristal").await;
        for n in 0..3 {
            let client = world.client(&format!("Client {n}")).await;
            pays(world, &client, &kristal, 800).await;
        }
        // 24.00 of 45.00 are bonus.
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(kristal.balance().await.0, 5000);
        assert!(owed(&kristal).await.iter().all(|debt| debt["held_by"] == "week_share"));
        // With one more paid in money it is 24.00 of 60.00.
        let order = world.client("Anar").await.orders(&kristal).await;
        serves(&kristal, &order, 1500).await;
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(kristal.balance().await.0, 7400);
    }

    /// LIM-6, BON-6: a person who was staff within thirty days counts as staff.
    async fn lim_6_whoever_left_is_staff_for_a_month(world) {
        plainly(world, json!({"new_account_days": 0, "pair_orders_7d": 1000})).await;
        let kristal = world.branch("Kristal").await;
        let rauf = kristal.hires("operator").await.person;
        let path = format!("/v1/partner/staff/{}", rauf.person_id);
        kristal.ask("DELETE", &path).send().await.ok();
        let rauf = Client::buys(rauf, "sedan").await;
        world.advance(TimeDelta::days(29)).await;
        pays(world, &rauf, &kristal, 1000).await;
        assert_eq!(owed(&kristal).await[0]["state"], "suspended");
        // With a limit of twenty-nine days, exactly twenty-nine days no longer count.
        plainly(world, json!({"staff_days": 29})).await;
        pays(world, &rauf, &kristal, 500).await;
        let states: Vec<Value> = owed(&kristal).await.iter().map(|debt| debt["state"].clone()).collect();
        assert_eq!(states, ["owed", "suspended"]);
    }

    /// LIM-6, BON-5: held or not, a payable to a card is due by the tenth working day after it was
    /// earned.
    async fn lim_6_a_hold_lengthens_no_working_days(world) {
        plainly(world, json!({"new_account_days": 0})).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        crate::support::payout::wants_a_card(world, &kristal).await;
        pays(world, &anar, &kristal, 1000).await;
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(owed(&kristal).await[0]["due_on"], "2026-12-04");
        let debt = owed(&kristal).await[0].clone();
        decides(world, &debt, "refuse").await.refused("payable_decided");
        world.until(instant("2026-12-04T05:00:01Z")).await;
        let payouts = kristal.get("/v1/partner/payouts").await;
        assert_eq!(payouts.ok()["items"][0]["amount"]["amount"], 1000);
    }
}
