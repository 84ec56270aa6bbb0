//! Payables of the operator to partners for orders paid with bonus, and their payout (BON-5,
//! BON-6).

use chrono::TimeDelta;
use platform::By;
use serde_json::{Value, json};
use yumo::billing::payouts::payout_send::MarkSent;

use crate::support::bonus::{grants, pays_with_bonus, queue, serves};
use crate::support::fakes::Epoint;
use crate::support::fakes::Payriff;
use crate::support::pay::{account, postings};
use crate::support::payout::{IBAN, iban, payouts, verifies, wants, wants_a_card};
use crate::support::policy::publishes_now;
use crate::support::{Branch, Client, World, instant, minutes, seconds};
use fakes::Next;
use fakes::epoint::Transfer;

/// Completes an order of which this much is paid with bonus: it is owed, or suspended where the
/// client works for the branch. Commission and the holds of LIM-6 are switched off.
async fn earning(world: &World, branch: &Branch, amount: i64, own: bool) -> String {
    let bonus = json!({"payable_hold_h": 0, "pair_orders_7d": 1000, "new_account_days": 0,
        "week_orders_min": 1000});
    let quiet = json!({"commission": {"brackets": [{"rate_bp": 0}]}, "bonus": bonus});
    let _ = publishes_now(world, quiet).await;
    let client = if own {
        Client::buys(branch.hires("operator").await.person, "sedan").await
    } else {
        world.client("Anar").await
    };
    grants(world, &client, amount, 24).await;
    let order = pays_with_bonus(&client, branch, amount).await;
    serves(branch, &order, 1500).await;
    world.advance(TimeDelta::microseconds(1)).await;
    order.id
}

/// The same, owed at once.
pub async fn earns(world: &World, branch: &Branch, amount: i64) -> String {
    earning(world, branch, amount, false).await
}

async fn payables(world: &World, state: &str) -> Vec<Value> {
    let page = world.support().get(&format!("/v1/support/payables?state={state}")).await;
    page.ok()["items"].as_array().unwrap().clone()
}

fn states(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["state"].as_str().unwrap()).collect()
}

/// The Friday two weeks after the world's start, nine in the morning in Baku.
const DUE: &str = "2026-12-04T05:00:00Z";

both! {
    /// BON-5: by default it goes to the balance at once; a part may become bonus.
    async fn bon_5_to_the_balance_at_once(world) {
        let kristal = world.branch("Kristal").await;
        let mut hears = kristal.follows().await;
        earns(world, &kristal, 1001).await;
        assert_eq!(kristal.balance().await, (6001, 0, 6001));
        assert_eq!(hears.hears("balance.changed").await["data"]["kind"], "payable");
        wants(&kristal, json!({"to": "balance", "bonus_bp": 3000})).await.ok();
        // 30 % of 10.01 is 3.00, rounded down; the rest goes to the balance.
        earns(world, &kristal, 1001).await;
        assert_eq!(kristal.balance().await, (6702, 0, 6702));
        assert_eq!(account(world, "operator:owed_as_bonus").await, 0);
        let lot = [(300, json!("2027-02-18T08:00:00.000002Z"), json!(null))];
        assert_eq!(queue(&kristal, "partner").await, lot);
        let settled = payables(world, "settled").await;
        let due = json!("2026-11-20");
        assert_eq!((states(&settled), settled[0]["due_on"].clone()), (vec!["settled"; 2], due));
        assert_eq!(account(world, &format!("payable:{}", kristal.partner_id)).await, 0);
        for bp in [-1, 10_001] {
            wants(&kristal, json!({"to": "balance", "bonus_bp": bp})).await.refused("payout_terms_invalid");
        }
    }

    /// BON-5: to a card only with a verified VÖEN and a valid account.
    async fn bon_5_a_card_needs_a_verified_voen(world) {
        let kristal = world.branch("Kristal").await;
        let card = json!({"to": "card", "account": iban()});
        wants(&kristal, card.clone()).await.refused("voen_required");
        verifies(world, &kristal, true).await.refused("account_required");
        verifies(world, &kristal, false).await.ok();
        let path = format!("/v1/support/partners/{}/voen", kristal.partner_id);
        let short = json!({"voen": "12345", "verified": true, "reason": "A certificate"});
        world.support().post(&path, short).await.refused("voen_invalid");
        wants(&kristal, json!({"to": "card"})).await.refused("account_invalid");
        let broken = json!({"to": "card", "account": {"name": "Kristal", "iban": "AZ1"}});
        wants(&kristal, broken).await.refused("account_invalid");
        wants(&kristal, json!({"to": "card", "bonus_bp": 1})).await.refused("payout_terms_invalid");
        wants(&kristal, card).await.ok();
        assert_eq!(kristal.get("/v1/partner/payout").await.ok()["voen_verified"], false);
        verifies(world, &kristal, true).await.ok();
        let terms = kristal.get("/v1/partner/payout").await;
        assert_eq!(terms.ok()["payout_to"], json!({"to": "card"}));
        assert_eq!((&terms.ok()["account"], &terms.ok()["voen_verified"]), (&json!("…1944"), &json!(true)));
    }

    /// BON-5: what is due by the tenth working day is paid out together, once, and settled when the
    /// transfer arrived.
    async fn bon_5_to_a_card_within_ten_working_days(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        world.advance(TimeDelta::hours(3)).await;
        earns(world, &kristal, 501).await;
        // Monday's payable is due a working day later.
        world.until(instant("2026-11-23T08:00:00Z")).await;
        earns(world, &kristal, 7).await;
        let owed = payables(world, "owed").await;
        let due: Vec<&str> = owed.iter().map(|row| row["due_on"].as_str().unwrap()).collect();
        assert_eq!(due, ["2026-12-07", "2026-12-04", "2026-12-04"]);
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        world.until(instant(DUE)).await;
        assert_eq!(payouts(&kristal).await.len(), 0);
        let mut hears = kristal.follows().await;
        world.advance(seconds(1)).await;
        assert_eq!(hears.hears("payout.changed").await["data"]["payout"]["state"], "created");
        let rows = payouts(&kristal).await;
        assert_eq!((states(&rows), &rows[0]["amount"]["amount"]), (vec!["sent"], &json!(1501)));
        let id = rows[0]["id"].as_str().unwrap().to_owned();
        let transfer = bank.with(|bank| bank.transfers[&id].clone());
        assert_eq!((transfer.amount.as_str(), transfer.iban.as_str(), transfer.tin.as_str()), ("15.01", IBAN, "1234567891"));
        assert_eq!(account(world, "operator:payouts").await, 1501);
        world.advance(minutes(61)).await;
        assert_eq!(states(&payouts(&kristal).await), ["sent"], "it is on its way");
        bank.with(|bank| "SUCCESS".clone_into(&mut bank.transfers.get_mut(&id).unwrap().status));
        world.advance(minutes(61)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid"]);
        assert_eq!(states(&payables(world, "settled").await), ["settled", "settled"]);
        assert_eq!((bank.times("/b2b/payment"), account(world, "gateway:epoint").await), (1, 1501));
        world.until(instant("2026-12-07T06:00:00Z")).await;
        assert_eq!(payouts(&kristal).await.len(), 2);
        assert_eq!(bank.with(|bank| bank.transfers.len()), 2);
    }

    /// BON-5: a crash between the transfer and its record pays once: the provider is polled first.
    async fn bon_5_a_dropped_record_pays_once(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        // The provider executes the transfer, and its answer is lost.
        bank.next("/b2b/payment", Next::ActAndHang);
        world.until(instant(DUE) + seconds(1)).await;
        let id = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        bank.with(|bank| "SUCCESS".clone_into(&mut bank.transfers.get_mut(&id).unwrap().status));
        // The requesting node is gone; another takes the timer over.
        world.restarts_with(|_| {}).await;
        world.advance(minutes(16)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid"]);
        assert_eq!((bank.times("/b2b/payment"), bank.with(|bank| bank.transfers.len())), (1, 1));
        assert_eq!(account(world, "gateway:epoint").await, 1000);
    }

    /// BON-5: a node that dies after the transfer leaves its request recorded: another node waits
    /// until the request has timed out, polls, and pays nothing.
    async fn bon_5_a_dead_nodes_transfer_is_found(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        world.until(instant(DUE) + TimeDelta::microseconds(1)).await;
        let id = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        let payout_id = id.parse().unwrap();
        let engine = &world.app().engine;
        let sending = engine.execute(By::CLOCK, None, MarkSent { payout_id }).await.unwrap();
        assert!(sending.answer.first && sending.answer.busy_until.is_none());
        let done = Transfer {
            amount: "10.00".to_owned(),
            status: "SUCCESS".to_owned(),
            iban: IBAN.to_owned(),
            tin: "1234567891".to_owned(),
        };
        bank.with(|bank| bank.transfers.insert(id, done));
        world.advance(seconds(1)).await;
        assert_eq!(states(&payouts(&kristal).await), ["sent"]);
        world.advance(minutes(5)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid"]);
        assert_eq!((bank.times("/b2b/payment"), account(world, "gateway:epoint").await), (0, 1000));
    }

    /// BON-5: Payriff pays to cards; an account it cannot pay to bounces at once.
    async fn bon_5_to_a_card_through_payriff(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        world.until(instant(DUE) + seconds(1)).await;
        assert_eq!(states(&payouts(&kristal).await), ["failed"], "it is a bank account");
        let card = json!({"name": "Anar", "card": "4169738812345670", "fin": "5ABC123"});
        wants(&kristal, json!({"to": "card", "account": card})).await.ok();
        verifies(world, &kristal, true).await.ok();
        bank.next("/payout", Next::ActAndHang);
        world.until(instant("2026-12-07T05:00:01Z")).await;
        let id = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        let one = bank.with(|bank| bank.transfers[&id].clone());
        assert_eq!((one.amount, one.card.as_str()), (json!(10.00), "4169738812345670"));
        world.advance(minutes(20)).await;
        assert_eq!(states(&payouts(&kristal).await), ["sent", "failed"]);
        bank.with(|bank| "SUCCESS".clone_into(&mut bank.transfers.get_mut(&id).unwrap().state));
        world.advance(minutes(61)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid", "failed"]);
        assert_eq!((bank.times("/payout"), account(world, "gateway:payriff").await), (1, 1000));
    }

    /// BON-5: a transfer that may have been executed is not repeated, even if a later answer
    /// refuses it.
    async fn bon_5_a_no_after_a_lost_answer_proves_nothing(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        wants_a_card(world, &kristal).await;
        let card = json!({"name": "Anar", "card": "4169738812345670", "fin": "5ABC123"});
        wants(&kristal, json!({"to": "card", "account": card})).await.ok();
        verifies(world, &kristal, true).await.ok();
        earns(world, &kristal, 1000).await;
        let no = json!({"code": "01000", "message": "Said the bank", "payload": null});
        bank.next("/payout", Next::ActAndHang);
        world.until(instant(DUE) + seconds(1)).await;
        let id = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        let hidden = bank.with(|bank| bank.transfers.remove(&id).unwrap());
        bank.next("/payout", Next::Say(no));
        queue.hears("support.payout_late").await;
        world.advance(minutes(20)).await;
        assert_eq!(states(&payouts(&kristal).await), ["sent"], "it may have been paid");
        bank.with(|bank| bank.transfers.insert(id.clone(), hidden));
        bank.with(|bank| "SUCCESS".clone_into(&mut bank.transfers.get_mut(&id).unwrap().state));
        world.advance(minutes(90)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid"]);
        assert_eq!(account(world, "gateway:payriff").await, 1000);
    }

    /// BON-5: nothing is paid out once the VÖEN is no longer verified, even if already collected.
    async fn bon_5_a_payout_nobody_was_asked_for_is_called_off(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        let owed = kristal.get("/v1/partner/payables").await;
        let owed = &owed.ok()["items"][0];
        assert_eq!((&owed["amount"]["amount"], &owed["state"]), (&json!(1000), &json!("owed")));
        let other = world.branch("Leyla").await.get("/v1/partner/payables").await;
        assert_eq!(other.ok()["items"], json!([]));
        world.until(instant(DUE)).await;
        verifies(world, &kristal, false).await.ok();
        world.advance(TimeDelta::days(4)).await;
        assert_eq!(bank.times("/b2b/payment"), 0);
        assert_eq!(account(world, &format!("payable:{}", kristal.partner_id)).await, 1000);
    }

    /// BON-5: a transfer unknown to the provider is requested again, under the same id.
    async fn bon_5_a_transfer_nobody_heard_of_is_asked_for_again(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        bank.next("/b2b/payment", Next::Hang);
        bank.next("/b2b/payment", Next::Busy);
        world.until(instant(DUE) + seconds(1)).await;
        queue.hears("support.payout_late").await;
        world.advance(TimeDelta::hours(3)).await;
        let id = payouts(&kristal).await[0]["id"].as_str().unwrap().to_owned();
        let known: Vec<String> = bank.with(|bank| bank.transfers.keys().cloned().collect());
        assert_eq!(known, std::slice::from_ref(&id));
        bank.with(|bank| "LOST".clone_into(&mut bank.transfers.get_mut(&id).unwrap().status));
        world.advance(TimeDelta::hours(3)).await;
        assert_eq!(states(&payouts(&kristal).await), ["sent"], "nobody knows what that means");
        bank.with(|bank| "SUCCESS".clone_into(&mut bank.transfers.get_mut(&id).unwrap().status));
        world.advance(TimeDelta::hours(2)).await;
        assert_eq!(states(&payouts(&kristal).await), ["paid"]);
        assert_eq!(bank.with(|bank| bank.transfers.len()), 1);
    }

    /// BON-5: a bounced payout is owed again, support is notified, and it goes out on the next
    /// working day.
    async fn bon_5_what_bounces_is_owed_again(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        bank.next("/b2b/payment", Next::Say(json!({"status": "error", "message": "IBAN is closed"})));
        world.until(instant(DUE) + seconds(1)).await;
        assert_eq!(queue.hears("support.payout_failed").await["data"]["reason"], "IBAN is closed");
        assert_eq!(states(&payouts(&kristal).await), ["failed"]);
        assert_eq!(account(world, "operator:payouts").await, 0);
        let owed = payables(world, "owed").await;
        assert_eq!((&owed[0]["due_on"], &owed[0]["payout_id"]), (&json!("2026-12-07"), &Value::Null));
        world.until(instant("2026-12-07T05:00:01Z")).await;
        let rows = payouts(&kristal).await;
        assert_eq!(states(&rows), ["sent", "failed"]);
        let id = rows[0]["id"].as_str().unwrap().to_owned();
        bank.with(|bank| "FAILED".clone_into(&mut bank.transfers.get_mut(&id).unwrap().status));
        world.advance(minutes(61)).await;
        assert_eq!(states(&payouts(&kristal).await), ["failed", "failed"]);
        // The partner switches to its balance instead.
        wants(&kristal, json!({"to": "balance"})).await.ok();
        world.until(instant("2026-12-08T05:00:01Z")).await;
        assert_eq!(kristal.balance().await, (6000, 0, 6000));
    }

    /// BON-5: without a provider support makes the transfer and records it, once.
    async fn bon_5_support_records_a_transfer(world) {
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        world.until(instant(DUE) + seconds(1)).await;
        let told = queue.hears("support.payout_due").await["data"]["payout"].clone();
        let path = format!("/v1/support/payouts/{}", told["id"].as_str().unwrap());
        let whereto = world.support().get(&format!("{path}/account")).await.ok().clone();
        assert_eq!(whereto["account"]["iban"].as_str().map(str::len), Some(28));
        assert_eq!((whereto["voen"].as_str().map(str::len), &whereto["payout"]), (Some(10), &told));
        let path = format!("{path}/paid");
        let body = json!({"reference": "Transfer 12"});
        let (one, two) = tokio::join!(
            world.support().post(&path, body.clone()),
            world.support().post(&path, body.clone()),
        );
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        assert_eq!((&won.ok()["state"], &won.ok()["reference"]), (&json!("paid"), &json!("Transfer 12")));
        lost.refused("payout_over");
        let nobodys = format!("/v1/support/payouts/{}/paid", kristal.partner_id);
        world.support().post(&nobodys, body).await.refused("no_such_payout");
        assert_eq!(states(&payables(world, "settled").await), ["settled"]);
        assert_eq!(account(world, "operator:payouts").await, 0);
    }

    /// BON-5: without a verified VÖEN it stays owed, and support is notified.
    async fn bon_5_without_a_verified_voen_it_stays_owed(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        verifies(world, &kristal, false).await.ok();
        let mut queue = world.support().watches("money").await;
        world.until(instant(DUE) + seconds(1)).await;
        queue.hears("support.payout_blocked").await;
        assert_eq!(payouts(&kristal).await.len(), 0);
        verifies(world, &kristal, true).await.ok();
        world.until(instant("2026-12-07T05:00:01Z")).await;
        assert_eq!((states(&payouts(&kristal).await), bank.times("/b2b/payment")), (vec!["sent"], 1));
    }

    /// BON-6: a suspended payable is released or refused by support, once.
    async fn bon_6_a_suspended_debt_is_decided_once(world) {
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        earning(world, &kristal, 1000, true).await;
        let own = earning(world, &kristal, 400, true).await;
        queue.hears("support.payable_suspended").await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        let suspended = payables(world, "suspended").await;
        assert_eq!(suspended.len(), 2);
        let of = |n: usize, verb: &str| {
            format!("/v1/support/payables/{}/{verb}", suspended[n]["id"].as_str().unwrap())
        };
        let why = json!({"reason": "It was their own car"});
        world.support().post(&of(0, "refuse"), json!({"reason": ""})).await.refused("reason_required");
        let refused = world.support().post(&of(0, "refuse"), why.clone()).await;
        assert_eq!((&refused.ok()["state"], &refused.ok()["order_id"]), (&json!("refused"), &json!(own)));
        world.support().post(&of(0, "release"), why.clone()).await.refused("payable_decided");
        let released = world.support().post(&of(1, "release"), why.clone()).await;
        assert_eq!(released.ok()["state"], "settled");
        world.support().post(&of(1, "refuse"), why.clone()).await.refused("payable_decided");
        let nobodys = format!("/v1/support/payables/{}/release", kristal.partner_id);
        world.support().post(&nobodys, why).await.refused("no_such_payable");
        assert_eq!(kristal.balance().await, (6000, 0, 6000));
        assert_eq!(account(world, "operator:payables_refused").await, 400);
        let id = suspended[0]["id"].as_str().unwrap();
        assert_eq!(postings(world, id).await.len(), 1);
    }
}
