//! One payment row of each kind is corrupted, and the proof reports it (BAL-6).

use serde_json::json;

use super::payouts::earns;
use super::proofs::{breaks, id as of, wrong};
use crate::support::fakes::Epoint;
use crate::support::faults::leaves_late;
use crate::support::pay::{asks_back, calls, id, pays_penalty, tops_up};
use crate::support::payout::{payouts, wants_a_card};
use crate::support::{Branch, World, instant, seconds};

/// A paid top-up of 20.00.
async fn paid(world: &World, bank: &Epoint, branch: &Branch) -> String {
    let payment = id(&tops_up(branch, 2000).await);
    bank.paid(&payment);
    calls(world, "epoint", &bank.callback(&payment, "success", "20.00")).await.ok(200);
    payment
}

both! {
    /// BAL-5, BAL-6: a paid top-up has exactly one credit; a top-up without one, or a credit
    /// without a top-up, is reported.
    async fn a_payment_made_wrong_is_named(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        assert_eq!(wrong(world).await, []);
        let at = of(world, &payment);
        breaks(
            world,
            &format!("UPDATE payment SET amount = 2001 WHERE id = {at}"),
            &format!("UPDATE payment SET amount = 2000 WHERE id = {at}"),
            &[("payment_moved", "payment", &payment)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE payment SET driver = 'payriff' WHERE id = {at}"),
            &format!("UPDATE payment SET driver = 'epoint' WHERE id = {at}"),
            &[("payment_moved", "payment", &payment), ("payment_due", "posting", &payment)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE payment SET state = 'refunded' WHERE id = {at}"),
            &format!("UPDATE payment SET state = 'paid' WHERE id = {at}"),
            &[("payment_state", "payment", &payment)],
        )
        .await;
        let nobody = "019a0000-0000-7000-8000-000000000009";
        let there = of(world, nobody);
        breaks(
            world,
            &format!("UPDATE posting SET subject = {there} WHERE kind = 'top_up'"),
            &format!("UPDATE posting SET subject = {at} WHERE kind = 'top_up'"),
            &[("payment_moved", "payment", &payment), ("payment_due", "posting", nobody)],
        )
        .await;
        breaks(
            world,
            &format!("UPDATE posting SET subject = {there} WHERE kind = 'credit'"),
            "UPDATE posting SET subject = (SELECT id FROM payment WHERE driver = 'manual') WHERE kind = 'credit'",
            &[("payment_due", "posting", nobody)],
        )
        .await;
    }

    /// BAL-5, BAL-6: the refunded and refunding amounts match the postings.
    async fn a_refund_made_wrong_is_named(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = paid(world, &bank, &kristal).await;
        asks_back(&kristal, &payment).await.ok();
        let at = of(world, &payment);
        breaks(
            world,
            &format!("UPDATE payment SET to_return = 1999 WHERE id = {at}"),
            &format!("UPDATE payment SET to_return = 2000 WHERE id = {at}"),
            &[("payment_moved", "payment", &payment)],
        )
        .await;
        breaks(
            world,
            "UPDATE posting SET credit = 'operator:elsewhere' WHERE kind = 'top_up_refund'",
            "UPDATE posting SET credit = 'operator:refunds' WHERE kind = 'top_up_refund'",
            &[("payment_moved", "payment", &payment), ("payment_due", "posting", &payment)],
        )
        .await;
        world.advance(seconds(1)).await;
        breaks(
            world,
            &format!("UPDATE payment SET returned = 1999, state = 'refunding' WHERE id = {at}"),
            &format!("UPDATE payment SET returned = 2000, state = 'refunded' WHERE id = {at}"),
            &[("payment_moved", "payment", &payment)],
        )
        .await;
    }

    /// PEN-5, BAL-6: a payment of a penalty without its posting is reported.
    async fn a_payment_of_a_penalty_made_wrong_is_named(world) {
        let bank = Epoint::serves(world).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        bank.paid(&payment);
        calls(world, "epoint", &bank.callback(&payment, "success", "1.50")).await.ok(200);
        assert_eq!(wrong(world).await, []);
        breaks(
            world,
            "UPDATE posting SET amount = 151 WHERE kind = 'payment'",
            "UPDATE posting SET amount = 150 WHERE kind = 'payment'",
            &[("payment_moved", "payment", &payment)],
        )
        .await;
    }

    /// BON-5, BAL-6: payables and payouts match their postings.
    async fn a_payout_made_wrong_is_named(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        let debts = format!("payable:{}", kristal.partner_id);
        breaks(
            world,
            "UPDATE payable SET amount = 1001",
            "UPDATE payable SET amount = 1000",
            &[("payable_sum", "payable", &debts)],
        )
        .await;
        world.until(instant("2026-12-04T05:00:01Z")).await;
        let payout = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        breaks(
            world,
            "UPDATE payable SET amount = 999",
            "UPDATE payable SET amount = 1000",
            &[("payout_amount", "payout", &payout)],
        )
        .await;
        breaks(
            world,
            "UPDATE payout SET amount = 1001",
            "UPDATE payout SET amount = 1000",
            &[("payout_moved", "payout", &payout), ("payout_amount", "payout", &payout)],
        )
        .await;
        breaks(
            world,
            "UPDATE posting SET debit = 'operator:elsewhere' WHERE kind = 'payout'",
            &format!("UPDATE posting SET debit = '{debts}' WHERE kind = 'payout'"),
            &[("payout_moved", "payout", &payout), ("payable_sum", "payable", &debts)],
        )
        .await;
        assert_eq!(bank.times("/b2b/payment"), 1);
    }
}
