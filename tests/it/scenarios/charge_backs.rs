//! The daily reconciliation with the payment provider: charge-backs are reversed, late payments are
//! booked (LIM-11).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::ask::{minutes, money, seconds};
use crate::support::bonus::bonus_of;
use crate::support::fakes::{Epoint, Payriff};
use crate::support::faults::{leaves_late, newest_penalty};
use crate::support::pay::{
    account, asks_back, calls, id, pays_penalty, postings, sees, state, tops_up,
};
use crate::support::{Branch, World};

/// Makes a paid top-up; returns its id.
async fn paid(world: &World, bank: &Epoint, branch: &Branch, amount: i64) -> String {
    let payment = id(&tops_up(branch, amount).await);
    bank.paid(&payment);
    let text = format!("{}.{:02}", amount / 100, amount % 100);
    let raw = bank.callback(&payment, "success", &text);
    assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
    payment
}

async fn unlocks(world: &World, branch: &Branch) -> crate::support::Reply {
    let path = format!("/v1/support/partners/{}/unlock", branch.partner_id);
    world.support().post(&path, json!({"reason": "They paid in cash"})).await
}

async fn restricted(branch: &Branch) -> Value {
    branch.get("/v1/partner/balance").await.ok()["restricted"].clone()
}

both! {
    /// LIM-11: a charge-back is found the next day and reversed by a posting, and the balance is
    /// restricted until support unlocks it.
    async fn lim_11_a_charge_back_is_reversed(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal, 2000).await;
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(kristal.balance().await, (7000, 0, 7000), "it stands as it was paid");
        assert!(bank.with(|bank| bank.charges_back(&payment)));
        let (mut queue, mut hears) = (world.support().watches("money").await, kristal.follows().await);
        world.advance(TimeDelta::hours(24)).await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        let told = queue.hears("support.charge_back").await["data"].clone();
        assert_eq!((&told["payment"]["id"], &told["provider_ref"]), (&json!(payment), &json!("te0000000001")));
        let told = hears.hears("balance.changed").await["data"].clone();
        assert_eq!((&told["kind"], &told["amount"]["amount"]), (&json!("charge_back"), &json!(-2000)));
        let seen = sees(&kristal, &payment).await;
        assert_eq!((&seen["state"], money(&seen["charged_back"])), (&json!("refunded"), 2000));
        let (partner, gateway) = (format!("partner:{}", kristal.partner_id), "gateway:epoint".to_owned());
        assert_eq!(postings(world, &payment).await, [
            ("top_up".to_owned(), gateway.clone(), partner.clone(), 2000),
            ("top_up_charge_back".to_owned(), partner, gateway, 2000),
        ]);
        asks_back(&kristal, &payment).await.refused("payment_refunded");
        // There are 50.00, and still nothing is accepted: another 50.00 do not lift the
        // restriction.
        assert_eq!(restricted(&kristal).await, true);
        world.support().credits(&kristal.partner_id, 5000).await.ok();
        assert_eq!(restricted(&kristal).await, true);
        world.client("Anar").await.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
        unlocks(world, &kristal).await.ok();
        unlocks(world, &kristal).await.refused("balance_not_locked");
        assert_eq!(restricted(&kristal).await, false);
        let order = world.client("Leyla").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let looks = bank.times("/get-status");
        world.advance(TimeDelta::days(3)).await;
        assert_eq!(bank.times("/get-status"), looks, "nothing of it can change any more");
    }

    /// LIM-11: a spent top-up takes the balance below the floor; a pending order is not accepted.
    async fn lim_11_a_spent_top_up_is_charged_back(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch_with("Kristal", 0).await;
        let payment = paid(world, &bank, &kristal, 5000).await;
        let order = world.client("Anar").await.orders_services(&kristal, &["wash.full"]).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        kristal.completes(&order, 100_000).await.ok();
        // 1000.00 is 40.00: 10.00 from the gift, 30.00 from the balance.
        assert_eq!(kristal.balance().await.0, 2000);
        world.advance(TimeDelta::hours(23)).await;
        let waits = world.client("Leyla").await.orders(&kristal).await;
        assert!(bank.with(|bank| bank.charges_back(&payment)));
        let mut queue = world.support().watches("money").await;
        world.advance(seconds(20)).await;
        kristal.declines(&waits).await.ok();
        world.advance(minutes(60)).await;
        assert_eq!(kristal.balance().await.0, -3000);
        queue.hears("support.gift_spent").await;
        queue.hears("support.charge_back").await;
        world.support().credits(&kristal.partner_id, 4000).await.ok();
        unlocks(world, &kristal).await.ok();
        assert_eq!((kristal.balance().await.0, restricted(&kristal).await), (1000, json!(false)));
    }

    /// LIM-11: the gift of a charged-back top-up is taken back with it.
    async fn lim_11_an_unspent_gift_goes_with_it(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch_with("Kristal", 0).await;
        // The gift lives for a day: the comparison runs a little before it expires.
        let payment = paid(world, &bank, &kristal, 5000).await;
        assert_eq!(bonus_of(&kristal, "partner").await, (1000, 0));
        assert!(bank.with(|bank| bank.charges_back(&payment)));
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!((kristal.balance().await.0, bonus_of(&kristal, "partner").await), (0, (0, 0)));
        assert_eq!(account(world, "operator:bonus").await, 0);
    }

    /// LIM-11: the same with Payriff's own statuses.
    async fn lim_11_payriff_charges_back(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.stands(&payment, "APPROVED");
        let raw = bank.callback(&payment, "APPROVED");
        assert_eq!(calls(world, "payriff", &raw).await.ok(200)["outcome"], "credited");
        assert!(bank.with(|bank| bank.charges_back(&payment)));
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!((kristal.balance().await.0, account(world, "gateway:payriff").await), (5000, 0));
        assert_eq!(restricted(&kristal).await, true);
    }

    /// LIM-11: a partial charge-back whose amount the provider does not give is left to support.
    async fn lim_11_a_part_is_support_s_to_see(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.stands(&payment, "APPROVED");
        calls(world, "payriff", &bank.callback(&payment, "APPROVED")).await.ok(200);
        bank.stands(&payment, "PARTIAL_REFUND");
        let mut queue = world.support().watches("money").await;
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        let told = queue.hears("support.payment_differs").await["data"]["reason"].clone();
        assert_eq!(told, "The provider says PartlyReturned");
        assert_eq!(kristal.balance().await.0, 7000);
        world.advance(TimeDelta::hours(48)).await;
        let quiet = world.support().watches("money").await;
        assert_eq!(quiet.hello["seq"], queue.seq, "once");
    }

    /// LIM-11, PEN-5: a penalty whose payment was charged back is a debt again, its shares are
    /// reversed.
    async fn lim_11_a_penalty_is_a_debt_again(world) {
        let bank = Epoint::serves(world).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        bank.paid(&payment);
        calls(world, "epoint", &bank.callback(&payment, "success", "1.50")).await.ok(200);
        assert_eq!((&newest_penalty(&anar).await["state"], kristal.balance().await.0), (&json!("paid"), 5075));
        assert!(bank.with(|bank| bank.charges_back(&payment)));
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        let owes = newest_penalty(&anar).await;
        assert_eq!((&owes["state"], money(&owes["paid"]), kristal.balance().await.0), (&json!("pending"), 0, 5000));
        assert_eq!((account(world, "gateway:epoint").await, account(world, "operator:penalties").await), (0, 0));
        assert_eq!(restricted(&kristal).await, false, "the branch took nothing back");
    }

    /// LIM-11: a payment refunded before the first poll is reported with what the provider says.
    async fn lim_11_what_went_back_before_our_first_look_is_told(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        let called = id(&tops_up(&kristal, 2000).await);
        let looked = id(&tops_up(&kristal, 3000).await);
        for payment in [&called, &looked] {
            bank.paid(payment);
            assert!(bank.with(|bank| bank.charges_back(payment)));
        }
        let raw = bank.callback(&called, "returned", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "failed");
        world.advance(minutes(16)).await;
        for (payment, reference) in [(&called, "te0000000001"), (&looked, "te0000000002")] {
            assert_eq!(state(&kristal, payment).await, "failed");
            let told = queue.hears("support.payment_went_back").await["data"].clone();
            assert_eq!((&told["payment"]["id"], &told["provider_ref"]), (&json!(payment), &json!(reference)));
            assert!(told["reason"].as_str().unwrap().contains("Touched"), "{told}");
        }
        assert_eq!(kristal.balance().await.0, 5000);
        world.advance(TimeDelta::hours(30)).await;
        let quiet = world.support().watches("money").await;
        assert_eq!(quiet.hello["seq"], queue.seq, "each once");
    }

    /// LIM-11: a payment made after polling had ended, whose callback was lost, is found by the
    /// daily comparison.
    async fn lim_11_late_money_is_found(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        world.advance(TimeDelta::hours(25)).await;
        assert_eq!(state(&kristal, &payment).await, "expired");
        bank.paid(&payment);
        world.advance(TimeDelta::hours(24)).await;
        assert_eq!((state(&kristal, &payment).await.as_str(), kristal.balance().await.0), ("paid", 7000));
    }
}
