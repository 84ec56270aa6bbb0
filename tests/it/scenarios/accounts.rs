//! The account a partner is paid to: an owner changes it with a fresh code, all owners are
//! notified, it is verified together with the VÖEN, and rests before the first payout (LIM-11).

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::payouts::earns;
use crate::support::ask::{instant, minutes, seconds};
use crate::support::payout::{fresh_code, iban, payouts, verifies, wants, wants_a_card};
use crate::support::policy::publishes_now;
use crate::support::{Branch, Reply};

async fn puts(branch: &Branch, terms: Value) -> Reply {
    branch.ask("PUT", "/v1/partner/payout").body(terms).send().await
}

/// Another valid account.
fn other() -> Value {
    json!({"name": "Kristal LLC", "iban": "AZ96AZEJ00000000001234567890", "bank_code": "505141"})
}

both! {
    /// LIM-11: only an owner with a fresh one-time code changes the account; a code works once.
    async fn lim_11_an_account_needs_its_owner_and_a_fresh_code(world) {
        let kristal = world.branch("Kristal").await;
        let manager = kristal.hires("manager").await;
        verifies(world, &kristal, false).await.ok();
        let named = |code: Value| json!({"to": "card", "account": iban(), "code": code});
        puts(&kristal, json!({"to": "card", "account": iban()})).await.refused("code_required");
        let code = fresh_code(&manager.person).await;
        puts(&manager, named(json!(code))).await.refused("owner_required");
        puts(&kristal, named(json!(code))).await.refused("code_wrong");
        let code = fresh_code(&kristal.person).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        puts(&kristal, named(json!(wrong))).await.refused("code_wrong");
        world.advance(minutes(5) + seconds(1)).await;
        puts(&kristal, named(json!(code))).await.refused("code_expired");
        let code = fresh_code(&kristal.person).await;
        let ask = || kristal.ask("PUT", "/v1/partner/payout").key("once").body(named(json!(code)));
        let set = ask().send().await;
        assert_eq!((&set.ok()["account"], &set.ok()["voen_verified"]), (&json!("…1944"), &json!(false)));
        let again = ask().send().await;
        assert!(again.replayed, "a repeat is answered again: {}", again.json);
        puts(&kristal, named(json!(code))).await.refused("code_wrong");
        // A manager still chooses the destination, among those that the owner entered.
        puts(&manager, json!({"to": "balance"})).await.ok();
        puts(&manager, json!({"to": "card"})).await.ok();
    }

    /// LIM-11: all owners are notified, on their own devices too, and so is support.
    async fn lim_11_all_owners_are_told(world) {
        let kristal = world.branch("Kristal").await;
        let second = kristal.hires("owner").await;
        let manager = kristal.hires("manager").await;
        verifies(world, &kristal, false).await.ok();
        let mut queue = world.support().watches("money").await;
        let mut hears = Vec::new();
        for owner in [&kristal.person, &second.person] {
            hears.push(owner.follows_feed("client").await);
        }
        let before = manager.person.follows_feed("client").await.hello["seq"].clone();
        wants(&kristal, json!({"to": "card", "account": iban()})).await.ok();
        for feed in &mut hears {
            let told = feed.hears("payout.account_changed").await["data"].clone();
            assert_eq!((&told["account"], &told["by_person"]), (&json!("…1944"), &json!(kristal.person_id)));
            assert_eq!(told["rests_until"], "2026-11-22T08:00:00Z");
        }
        queue.hears("support.payout_account_changed").await;
        let after = manager.person.follows_feed("client").await.hello["seq"].clone();
        assert_eq!(before, after, "a manager is no owner");
        // Setting the same account again changes nothing and emits no event.
        let seq = hears[1].seq;
        wants(&kristal, json!({"to": "card", "account": iban()})).await.ok();
        let quiet = second.person.follows_feed("client").await;
        assert_eq!(quiet.hello["seq"], seq);
    }

    /// LIM-11: a changed account rests for 48 hours before the first payout, whatever is due.
    async fn lim_11_a_changed_account_rests(world) {
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        // Due on Friday at nine; the account is changed on Thursday at noon.
        world.until(instant("2026-12-03T08:00:00Z")).await;
        wants(&kristal, json!({"to": "card", "account": other()})).await.ok();
        verifies(world, &kristal, true).await.ok();
        world.until(instant("2026-12-05T08:00:00Z")).await;
        assert_eq!(payouts(&kristal).await.len(), 0);
        world.advance(seconds(1)).await;
        let made = payouts(&kristal).await;
        assert_eq!((made.len(), &made[0]["amount"]["amount"]), (1, &json!(1000)));
        let terms = kristal.get("/v1/partner/payout").await.ok().clone();
        assert_eq!(terms["rests_until"], "2026-12-05T08:00:00Z");
    }

    /// LIM-11: the VÖEN is verified together with the account; a new account is verified anew, and
    /// never one that support has not seen.
    async fn lim_11_a_voen_is_verified_with_its_account(world) {
        let bank = crate::support::fakes::Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        earns(world, &kristal, 1000).await;
        world.advance(TimeDelta::days(3)).await;
        wants(&kristal, json!({"to": "card", "account": other()})).await.ok();
        let path = format!("/v1/support/partners/{}/voen", kristal.partner_id);
        let seen = json!({"voen": "1234567891", "verified": true, "account": "…1944", "reason": "A certificate"});
        world.support().post(&path, seen).await.refused("account_changed");
        let mut queue = world.support().watches("money").await;
        world.until(instant("2026-12-04T05:00:01Z")).await;
        queue.hears("support.payout_blocked").await;
        assert_eq!(payouts(&kristal).await.len(), 0);
        verifies(world, &kristal, true).await.ok();
        world.until(instant("2026-12-07T05:00:01Z")).await;
        assert_eq!((payouts(&kristal).await.len(), bank.times("/b2b/payment")), (1, 1));
    }

    /// LIM-11: an account with a wrong checksum is refused.
    async fn lim_11_checksums(world) {
        let kristal = world.branch("Kristal").await;
        verifies(world, &kristal, false).await.ok();
        for account in [
            json!({"name": "Kristal LLC", "iban": "AZ21NABZ00000000137010001945", "bank_code": "505141"}),
            json!({"name": "Anar", "card": "4169738812345671", "fin": "5ABC123"}),
        ] {
            wants(&kristal, json!({"to": "card", "account": account})).await.refused("account_invalid");
        }
        let right = json!({"name": "Anar", "card": "4169738812345670", "fin": "5ABC123"});
        wants(&kristal, json!({"to": "card", "account": right})).await.ok();
    }

    /// LIM-11: how long an account rests is set by the policy.
    async fn lim_11_the_rest_is_a_policy_key(world) {
        publishes_now(world, json!({"payout": {"account_rest_h": 0}})).await.ok();
        let kristal = world.branch("Kristal").await;
        wants_a_card(world, &kristal).await;
        let terms = kristal.get("/v1/partner/payout").await.ok().clone();
        assert_eq!(terms["rests_until"], "2026-11-20T08:00:00Z");
    }
}
