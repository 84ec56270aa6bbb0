//! An unspent top-up is refunded the way it came, once (BAL-5).

use chrono::TimeDelta;
use entity::timer;
use platform::scheduler::timers;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use yumo::billing::payments::refund;

use crate::support::fakes::Epoint;
use crate::support::fakes::Payriff;
use crate::support::pay::{account, asks_back, calls, id, postings, sees, state, tops_up};
use crate::support::{Branch, World, minutes, seconds};
use fakes::Next;

/// Makes a paid top-up of 20.00.
async fn paid(world: &World, bank: &Epoint, branch: &Branch) -> String {
    let payment = id(&tops_up(branch, 2000).await);
    bank.paid(&payment);
    let raw = bank.callback(&payment, "success", "20.00");
    assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
    payment
}

both! {
    /// BAL-5: it leaves the balance at once, is refunded by the provider, and requested once.
    async fn bal_5_an_unspent_top_up_goes_back(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        world.advance(TimeDelta::hours(24)).await;
        let begun = asks_back(&kristal, &payment).await;
        assert_eq!(begun.ok()["state"], "refunding");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(account(world, "operator:refunds").await, 2000);
        asks_back(&kristal, &payment).await.refused("refund_running");
        let mut hears = kristal.follows().await;
        world.advance(seconds(1)).await;
        assert_eq!(hears.hears("payment.changed").await["data"]["payment"]["state"], "refunded");
        assert_eq!(bank.payment(&payment).back, ["20.00"]);
        asks_back(&kristal, &payment).await.refused("payment_refunded");
        world.advance(TimeDelta::days(2)).await;
        assert_eq!(bank.times("/reverse"), 1);
        let (partner, refunds) = (format!("partner:{}", kristal.partner_id), "operator:refunds".to_owned());
        let gateway = || "gateway:epoint".to_owned();
        let moved = [
            ("top_up".to_owned(), gateway(), partner.clone(), 2000),
            ("top_up_refund".to_owned(), partner, refunds.clone(), 2000),
            ("top_up_refunded".to_owned(), refunds, gateway(), 2000),
        ];
        assert_eq!(postings(world, &payment).await, moved);
        let seen = sees(&kristal, &payment).await;
        assert_eq!(seen["returned"]["amount"], 2000);
    }

    /// BAL-5: within 24 hours of being paid, only if paid, and only by the branch that paid it.
    async fn bal_5_too_late_too_early_and_somebody_elses(world) {
        let bank = Epoint::serves(world).await;
        let (kristal, aysel) = (world.branch("Kristal").await, world.branch("Aysel").await);
        let waiting = id(&tops_up(&kristal, 2000).await);
        asks_back(&kristal, &waiting).await.refused("payment_not_paid");
        let payment = paid(world, &bank, &kristal).await;
        asks_back(&aysel, &payment).await.refused("no_such_payment");
        asks_back(&kristal, &kristal.partner_id).await.refused("no_such_payment");
        world.advance(TimeDelta::hours(24) + TimeDelta::microseconds(1)).await;
        let late = asks_back(&kristal, &payment).await;
        assert_eq!(late.refused("refund_over")["until"], "2026-11-21T08:00:00Z");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
    }

    /// BAL-5: a hold, a capture, or a balance that no longer covers it counts as spending.
    async fn bal_5_what_was_spent_does_not_go_back(world) {
        let bank = Epoint::serves(world).await;
        let (kristal, anar) = (world.branch_with("Kristal", 0).await, world.client("Anar").await);
        let payment = paid(world, &bank, &kristal).await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        asks_back(&kristal, &payment).await.refused("topup_spent");
        kristal.cancels(&order).await.ok();
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        kristal.completes(&order, 1500).await.ok();
        world.support().credits(&kristal.partner_id, 5000).await.ok();
        asks_back(&kristal, &payment).await.refused("topup_spent");
        assert_eq!(kristal.balance().await, (6865, 0, 6865));
        // Nothing has spent the later top-up yet.
        let items = kristal.get("/v1/partner/top-ups").await.ok()["items"].clone();
        let newer = items[0]["id"].as_str().unwrap().to_owned();
        asks_back(&kristal, &newer).await.refused("topup_spent");
        world.advance(seconds(1)).await;
        let third = paid(world, &bank, &kristal).await;
        asks_back(&kristal, &third).await.ok();
        assert_eq!(kristal.balance().await, (6865, 0, 6865));
        world.advance(seconds(1)).await;
    }

    /// BAL-5, BAL-2: a concurrent hold and refund: one of them gets the money.
    async fn bal_5_a_refund_races_a_hold(world) {
        let bank = Epoint::serves(world).await;
        let (kristal, anar) = (world.branch_with("Kristal", 0).await, world.client("Anar").await);
        world.tampers("UPDATE wallet SET floor = 0").await;
        for _ in 0..6 {
            let payment = paid(world, &bank, &kristal).await;
            let order = anar.orders(&kristal).await;
            let version = kristal.version(&order).await;
            let (refund, held) = tokio::join!(
                asks_back(&kristal, &payment),
                kristal.accepts_seeing(&order, version),
            );
            if refund.status == 200 {
                held.refused("insufficient_balance");
                kristal.declines(&order).await.ok();
                world.advance(seconds(1)).await;
                assert_eq!(kristal.balance().await, (0, 0, 0));
            } else {
                refund.refused("topup_spent");
                held.status("confirmed");
                assert_eq!(kristal.balance().await, (2000, 135, 1865));
                kristal.cancels(&order).await.ok();
                asks_back(&kristal, &payment).await.ok();
                world.advance(seconds(1)).await;
            }
        }
    }

    /// BAL-5: of two concurrent requests one is refused as already under way.
    async fn bal_5_asked_twice_at_once_it_goes_back_once(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        let (one, two) =
            tokio::join!(asks_back(&kristal, &payment), asks_back(&kristal, &payment));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        assert_eq!(won.ok()["state"], "refunding");
        lost.refused("refund_running");
        world.advance(seconds(1)).await;
        assert_eq!((bank.times("/reverse"), kristal.balance().await.0), (1, 5000));
    }

    /// BAL-5: after a lost answer the provider is polled, and no second refund is requested.
    async fn bal_5_a_lost_answer_is_no_second_refund(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        let payment = paid(world, &bank, &kristal).await;
        bank.next("/reverse", Next::ActAndHang);
        asks_back(&kristal, &payment).await.ok();
        world.advance(seconds(1)).await;
        assert_eq!(state(&kristal, &payment).await, "refunding");
        queue.hears("support.refund_late").await;
        world.advance(minutes(20)).await;
        assert_eq!(state(&kristal, &payment).await, "refunded");
        assert_eq!((bank.times("/reverse"), bank.payment(&payment).back.len()), (1, 1));
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// BAL-5: two nodes that take the same timer ask the provider once.
    async fn bal_5_two_nodes_ask_once(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        asks_back(&kristal, &payment).await.ok();
        let rows = timer::Entity::find().filter(timer::Column::Kind.eq("payment.refund"));
        let timer = timers::fired(rows.one(&world.db()).await.unwrap().unwrap());
        let engine = &world.app().engine;
        let (one, two) =
            tokio::join!(refund::fired(engine, &timer), refund::fired(engine, &timer));
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        assert_eq!((bank.times("/reverse"), state(&kristal, &payment).await.as_str()), (1, "refunded"));
        world.advance(minutes(30)).await;
        assert_eq!((bank.times("/reverse"), kristal.balance().await.0), (1, 5000));
    }

    /// BAL-5: Payriff refunds too, and a lost answer is looked up.
    async fn bal_5_payriff_gives_back_once(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.stands(&payment, "APPROVED");
        let raw = bank.callback(&payment, "APPROVED");
        assert_eq!(calls(world, "payriff", &raw).await.ok(200)["outcome"], "credited");
        bank.next("/refund", Next::ActAndHang);
        asks_back(&kristal, &payment).await.ok();
        world.advance(minutes(20)).await;
        assert_eq!(state(&kristal, &payment).await, "refunded");
        let name = bank.name_of(&payment);
        assert_eq!(bank.with(|bank| bank.orders[&name].back.clone()), [json!(20.00)]);
        assert_eq!((bank.times("/refund"), kristal.balance().await.0), (1, 5000));
    }

    /// BAL-5: a request that never reached the provider is sent again.
    async fn bal_5_what_was_not_reached_is_asked_again(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        bank.next("/reverse", Next::Busy);
        bank.next("/reverse", Next::Hang);
        bank.next("/get-status", Next::Break);
        asks_back(&kristal, &payment).await.ok();
        world.advance(TimeDelta::hours(4)).await;
        assert_eq!(state(&kristal, &payment).await, "refunded");
        assert_eq!((bank.times("/reverse"), bank.payment(&payment).back.len()), (3, 1));
    }

    /// BAL-5: a refused refund restores the balance, and branch and support are told the reason.
    async fn bal_5_a_refused_refund_is_back_on_the_balance(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let (mut hears, mut queue) = (kristal.follows().await, world.support().watches("money").await);
        let payment = paid(world, &bank, &kristal).await;
        bank.next("/reverse", Next::Say(json!({"status": "error", "message": "The card is closed"})));
        asks_back(&kristal, &payment).await.ok();
        world.advance(seconds(1)).await;
        assert_eq!(queue.hears("support.refund_refused").await["data"]["reason"], "The card is closed");
        for kind in ["top_up", "top_up_refund", "top_up_kept"] {
            assert_eq!(hears.hears("balance.changed").await["data"]["kind"], kind);
        }
        let seen = sees(&kristal, &payment).await;
        assert_eq!(seen["state"], "paid");
        assert_eq!(seen["note"], "The provider refused to give it back: The card is closed");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        asks_back(&kristal, &payment).await.ok();
        world.advance(seconds(1)).await;
        assert_eq!(state(&kristal, &payment).await, "refunded");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// BAL-5: a top-up paid by hand is refunded by hand.
    async fn bal_5_cash_goes_back_as_cash(world) {
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        let items = kristal.get("/v1/partner/top-ups").await.ok()["items"].clone();
        let payment = items[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/support/payments/{payment}/refunded");
        let receipt = json!({"reference": "Receipt 7"});
        world.support().post(&path, receipt.clone()).await.refused("refund_not_due");
        asks_back(&kristal, &payment).await.ok();
        assert_eq!(queue.hears("support.refund_due").await["data"]["payment"]["id"], payment.as_str());
        assert_eq!(kristal.balance().await, (0, 0, 0));
        world.support().post(&path, json!({"reference": " "})).await.refused("reason_required");
        assert_eq!(world.support().post(&path, receipt.clone()).await.ok()["state"], "refunded");
        world.support().post(&path, receipt).await.refused("payment_refunded");
        assert_eq!(account(world, "operator:received").await, 0);
    }
}
