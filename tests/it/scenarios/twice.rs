//! The same amount twice within moments: support must confirm it, a partner pays once (BAL-5,
//! SUP-2).

use entity::support_agent::SupportRole;
use fakes::Next;
use serde_json::json;

use crate::support::ask::seconds;
use crate::support::fakes::Epoint;
use crate::support::faults::leaves_late;
use crate::support::pay::{asks_back, calls, id, payments, pays_penalty, tops_up};
use crate::support::policy::agent;

both! {
    /// SUP-2: support credits 50.00 twice with two keys within seconds: the second needs
    /// confirmation.
    async fn sup_2_the_same_credit_again_is_asked_about(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let path = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        let credit = json!({"amount": 5000, "reason": "We were late"});
        world.support().post(&path, credit.clone()).await.ok();
        world.advance(seconds(5)).await;
        let asked = world.support().post(&path, credit.clone()).await;
        let asked = asked.refused("same_amount_a_moment_ago");
        assert!(asked["act"].is_string() && asked["at"].is_string(), "{asked}");
        assert_eq!(kristal.balance().await.0, 5000);
        world.support().post(&path, json!({"amount": 5001, "reason": "We were late"})).await.ok();
        let meant = json!({"amount": 5000, "reason": "We were late", "confirm": true});
        world.support().post(&path, meant).await.ok();
        assert_eq!(kristal.balance().await.0, 15_001);
        world.advance(seconds(301)).await;
        world.support().post(&path, credit).await.ok();
        let grant = json!({"partner_id": kristal.partner_id, "amount": 700, "reason": "We were late"});
        world.support().post("/v1/support/bonuses", grant.clone()).await.ok();
        world.support().post("/v1/support/bonuses", grant).await.refused("same_amount_a_moment_ago");
    }

    /// SUP-2: two concurrent credits by two of support: one commits, the other needs confirmation.
    async fn sup_2_credits_at_one_instant_are_one(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let other = agent(world, SupportRole::Owner).await;
        let path = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        for round in 1..=5 {
            let credit = json!({"amount": 5000 + round, "reason": "We were late"});
            let (one, two) = tokio::join!(
                world.support().post(&path, credit.clone()),
                other.post(&path, credit.clone()),
            );
            let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
            won.ok();
            lost.refused("same_amount_a_moment_ago");
        }
        assert_eq!(kristal.balance().await.0, 25_015);
    }

    /// LIM-11: a goodwill credit is no top-up: it is not listed as one, brings no gift and is never
    /// refunded as money.
    async fn lim_11_goodwill_never_goes_back(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let path = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        world.support().post(&path, json!({"amount": 5000, "reason": "We were late"})).await.ok();
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        let listed = kristal.get("/v1/partner/top-ups").await;
        assert_eq!(listed.ok()["items"], json!([]));
        assert_eq!(crate::support::pay::account(world, "operator:goodwill").await, -5000);
        let line = kristal.get("/v1/partner/statement").await.ok()["items"][0].clone();
        assert_eq!(line["kind"], "goodwill");
        let gift = json!({"amount": 6000, "reason": "We were late", "gift": true});
        world.support().post(&path, gift).await.refused("receipt_required");
        let cash = json!({"amount": 6000, "reason": "Top-up", "receipt": "Receipt 7"});
        world.support().post(&path, cash).await.ok();
        let listed = kristal.get("/v1/partner/top-ups").await.ok()["items"].clone();
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        asks_back(&kristal, listed[0]["id"].as_str().unwrap()).await.ok();
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// BAL-5: a second request while the provider is slow gets the page of the first top-up.
    async fn bal_5_pressed_twice_it_is_one_top_up(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let before = payments(world).await;
        bank.next("/request", Next::ActAndHang);
        let lost = tops_up(&kristal, 2000).await;
        assert_eq!(lost.json["code"], "provider_unreachable");
        let second = tops_up(&kristal, 2000).await;
        assert_eq!(second.ok()["redirect_url"], "https://epoint.az/pay/te0000000001");
        let third = tops_up(&kristal, 2000).await;
        assert_eq!((id(&second), payments(world).await), (id(&third), before + 1));
        let other = kristal.post("/v1/partner/top-ups", json!({"amount": 2000, "confirm": true})).await;
        assert_ne!(id(&other), id(&second));
        bank.paid(&id(&other));
        bank.paid(&id(&second));
        for payment in [id(&other), id(&second)] {
            calls(world, "epoint", &bank.callback(&payment, "success", "20.00")).await.ok(200);
        }
        assert_ne!(id(&tops_up(&kristal, 2000).await), id(&second), "that one is paid");
        assert_eq!(kristal.balance().await.0, 9000);
    }

    /// BAL-5: two concurrent requests under two keys open one payment.
    async fn bal_5_pressed_at_one_instant_it_is_one_top_up(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        for round in 0..5 {
            let amount = 2000 + round;
            let (one, two) = tokio::join!(tops_up(&kristal, amount), tops_up(&kristal, amount));
            assert_eq!(id(&one), id(&two));
        }
        assert_eq!(bank.with(|bank| bank.payments.len()), 5);
        let anar = world.client("Anar").await;
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        let (one, two) = tokio::join!(
            pays_penalty(&anar, &penalty, json!({})),
            pays_penalty(&anar, &penalty, json!({})),
        );
        assert_eq!(id(&one), id(&two));
    }
}
