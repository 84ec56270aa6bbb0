//! Gifts of top-ups, campaigns, and low or restricted balances (BON-4, BON-6, BON-8, BAL-3 …
//! BAL-5).

use chrono::TimeDelta;
use fakes::Next;
use serde_json::{Value, json};

use super::proofs::breaks;
use crate::support::bonus::{bonus_of, grants, grants_branch, pays_with_bonus, queue, serves};
use crate::support::fakes::Epoint;
use crate::support::pay::{account, asks_back, calls, id, tops_up};
use crate::support::{Branch, Client, Person, World};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Makes a paid top-up; returns its id.
async fn topped_up(world: &World, bank: &Epoint, branch: &Branch, amount: i64) -> String {
    let payment = id(&tops_up(branch, amount).await);
    bank.paid(&payment);
    let text = format!("{}.{:02}", amount / 100, amount % 100);
    calls(world, "epoint", &bank.callback(&payment, "success", &text)).await.ok(200);
    payment
}

async fn campaign(world: &World, changes: Value) -> crate::support::Reply {
    let mut body = json!({
        "name": "Autumn", "audience": "client", "amount": 300, "ttl_h": 48, "budget": 700,
        "code": "Autumn26", "public": true, "ends_at": "2026-12-01T00:00:00Z", "reason": "The leaves fall",
    });
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.support().post("/v1/support/campaigns", body).await
}

async fn redeems(person: &Person, whose: &str, code: &str) -> crate::support::Reply {
    person.post(&format!("/v1/{whose}/bonus/codes"), json!({"code": code})).await
}

both! {
    /// BON-4: each full 50.00 of one top-up gives 10.00 for a day, in one lot.
    async fn bon_4_a_top_up_brings_a_gift(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        topped_up(world, &bank, &kristal, 4999).await;
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 0));
        topped_up(world, &bank, &kristal, 12_345).await;
        assert_eq!(queue(&kristal, "partner").await, [(2000, json!("2026-11-21T08:00:00Z"), json!(null))]);
        assert_eq!(kristal.balance().await, (5000 + 4999 + 12_345, 0, 5000 + 4999 + 12_345));
        assert_eq!(account(world, "operator:bonus").await, -2000);
    }

    /// BAL-5, BON-4: a refund takes the gift back; once the gift was used there is no refund.
    async fn bal_5_the_gift_cannot_be_kept_or_spent_before_a_refund(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch_with("Kristal", 0).await;
        let payment = topped_up(world, &bank, &kristal, 5000).await;
        let order = world.client("Anar").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        assert_eq!((kristal.balance().await, bonus_of(&kristal, "partner").await), ((5000, 0, 5000), (865, 135)));
        asks_back(&kristal, &payment).await.refused("topup_spent");
        kristal.admits(&order).await.ok();
        kristal.completes(&order, 1500).await.ok();
        asks_back(&kristal, &payment).await.refused("topup_spent");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));

        let shine = world.branch_with("Shine", 0).await;
        let payment = topped_up(world, &bank, &shine, 5000).await;
        let order = world.client("Leyla").await.orders(&shine).await;
        shine.accepts(&order).await.ok();
        shine.cancels(&order).await.ok();
        asks_back(&shine, &payment).await.ok();
        assert_eq!((shine.balance().await, bonus_of(&shine, "partner").await), ((0, 0, 0), (0, 0)));
        world.advance(MICROSECOND).await;
    }

    /// BAL-5, BON-4: when the provider refuses the refund of a top-up, its gift is restored too.
    async fn bal_5_a_refused_refund_gives_the_gift_again(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch_with("Kristal", 0).await;
        let payment = topped_up(world, &bank, &kristal, 5000).await;
        let no = json!({"status": "error", "message": "The card is closed"});
        bank.next("/reverse", Next::Say(no));
        asks_back(&kristal, &payment).await.ok();
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 0));
        world.advance(MICROSECOND).await;
        assert_eq!((kristal.balance().await.0, bonus_of(&kristal, "partner").await), (5000, (1000, 0)));
        asks_back(&kristal, &payment).await.ok();
        world.advance(MICROSECOND).await;
        assert_eq!((kristal.balance().await.0, bonus_of(&kristal, "partner").await), (0, (0, 0)));
        assert_eq!(account(world, "operator:bonus").await, 0);
    }

    /// BAL-5: a commission paid with bonus alone counts as spending, even with older bonus.
    async fn bal_5_a_commission_paid_with_other_bonus_is_spending(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch_with("Kristal", 0).await;
        grants_branch(world, &kristal, 500, 48).await;
        world.advance(MICROSECOND).await;
        let payment = topped_up(world, &bank, &kristal, 2000).await;
        let order = world.client("Anar").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        assert_eq!((kristal.balance().await, bonus_of(&kristal, "partner").await), ((2000, 0, 2000), (365, 135)));
        asks_back(&kristal, &payment).await.refused("topup_spent");
        kristal.admits(&order).await.ok();
        kristal.completes(&order, 1500).await.ok();
        asks_back(&kristal, &payment).await.refused("topup_spent");
        assert_eq!(kristal.balance().await, (2000, 0, 2000));
    }

    /// BON-4, BAL-5: a top-up paid in cash brings the same gift, and loses it on a refund.
    async fn bon_4_cash_that_is_a_top_up_brings_a_gift(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let path = format!("/v1/support/partners/{}/credits", kristal.partner_id);
        for (gift, usable) in [(false, 0), (true, 1000)] {
            let body = json!({"amount": 9999, "reason": "Cash", "receipt": "Cash at the office",
                "gift": gift, "confirm": true});
            world.support().post(&path, body).await.ok();
            assert_eq!(bonus_of(&kristal, "partner").await, (usable, 0));
        }
        let items = kristal.get("/v1/partner/top-ups").await.ok()["items"].clone();
        asks_back(&kristal, items[0]["id"].as_str().unwrap()).await.ok();
        assert_eq!(kristal.balance().await, (9999, 0, 9999));
        assert_eq!(bonus_of(&kristal, "partner").await, (0, 0));
    }

    /// BON-8, BAL-6: the proof reports a campaign whose total is less than its lots.
    async fn bal_6_a_campaign_made_wrong_is_named(world) {
        let made = campaign(world, json!({})).await;
        let campaign = made.ok()["id"].as_str().unwrap();
        redeems(&world.client("Anar").await.person, "client", "autumn26").await.ok();
        let named = [("campaign_granted", "campaign", campaign)];
        let (less, right) = ("UPDATE campaign SET granted = 0", "UPDATE campaign SET granted = 300");
        breaks(world, less, right, &named).await;
    }

    /// BON-8: a code grants once to each of its audience, within its budget and its period.
    async fn bon_8_a_campaign_keeps_its_budget(world) {
        let kristal = world.branch("Kristal").await;
        let people: Vec<Client> = vec![
            world.client("Anar").await,
            world.client("Leyla").await,
            world.client("Rauf").await,
        ];
        for (wrong, code) in [
            (json!({"amount": 701}), "campaign_invalid"),
            (json!({"ttl_h": 0}), "campaign_invalid"),
            (json!({"code": "a b"}), "campaign_invalid"),
            (json!({"ends_at": "2026-11-20T08:00:00Z"}), "campaign_invalid"),
            (json!({"ends_at": "2037-01-01T00:00:00Z"}), "campaign_invalid"),
            (json!({"reason": " "}), "reason_required"),
        ] {
            campaign(world, wrong).await.refused(code);
        }
        let made = campaign(world, json!({})).await.ok().clone();
        campaign(world, json!({})).await.refused("campaign_code_taken");
        let (one, two, three) = tokio::join!(
            redeems(&people[0], "client", "autumn26"),
            redeems(&people[1], "client", "AUTUMN26"),
            redeems(&people[2], "client", " autumn26 "),
        );
        let mut codes = [one.status, two.status, three.status];
        codes.sort_unstable();
        assert_eq!(codes, [201, 201, 409], "7.00 are enough for two of 3.00");
        let all = world.support().get("/v1/support/campaigns").await;
        assert_eq!(all.ok()["items"][0]["granted"]["amount"], 600);
        let bigger = campaign(world, json!({"code": "Winter26", "budget": 5000})).await.ok().clone();
        redeems(&people[0], "client", "winter26").await.ok();
        redeems(&people[0], "client", "winter26").await.refused("granted_already");
        redeems(&kristal, "partner", "winter26").await.refused("no_such_campaign");
        redeems(&people[1], "client", "spring26").await.refused("no_such_campaign");
        let path = format!("/v1/support/campaigns/{}/grants", bigger["id"].as_str().unwrap());
        let to = |id: &str| json!({"owner_id": id});
        world.support().post(&path, to(&people[1].person_id)).await.ok();
        world.support().post(&path, to(&people[1].person_id)).await.refused("granted_already");
        world.support().post(&path, to(&kristal.partner_id)).await.refused("no_such_owner");
        world.advance(TimeDelta::days(11)).await;
        redeems(&people[2], "client", "winter26").await.refused("campaign_over");
        let nobody = json!({"client_id": made["id"], "amount": 1, "reason": "A good deed"});
        world.support().post("/v1/support/bonuses", nobody).await.refused("no_such_owner");
        let nothing = json!({"client_id": people[0].person_id, "amount": 0, "reason": "A good deed"});
        world.support().post("/v1/support/bonuses", nothing).await.refused("grant_invalid");
    }

    /// BON-6: a client on whose device staff of the branch sign in is suspended until support
    /// decides.
    async fn bon_6_the_same_device_is_looked_at_first(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        for person in [&kristal.person, &anar.person] {
            person.post("/v1/auth/otp", json!({"phone": person.phone})).await.ok();
            let code = world.scene.mailbox.take(&person.phone);
            let body = json!({"phone": person.phone, "code": code, "device": "A phone", "device_id": "f00d"});
            person.post("/v1/auth/sessions", body).await.ok();
        }
        grants(world, &anar, 500, 24).await;
        let order = pays_with_bonus(&anar, &kristal, 500).await;
        serves(&kristal, &order, 1500).await;
        world.advance(MICROSECOND).await;
        assert_eq!(kristal.balance().await, (4865, 0, 4865));
        let waiting = world.support().get("/v1/support/payables?state=suspended").await;
        assert_eq!(waiting.ok()["items"][0]["order_id"], order.id.as_str());
    }

    /// BAL-3, BAL-4: a low balance emits one event; below the floor by a capture nothing is
    /// accepted until the balance is back at zero.
    async fn bal_3_bal_4_low_and_restricted(world) {
        let kristal = world.branch_with("Kristal", 1200).await;
        let mut hears = kristal.follows().await;
        let order = world.client("Anar").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        kristal.admits(&order).await.ok();
        // 300.00 is 15.00: 12.00 are there, minus 3.00 is above the floor: low, but not restricted.
        kristal.completes(&order, 30_000).await.ok();
        world.app().scheduler.sweep().await.unwrap();
        assert_eq!(hears.hears("balance.low").await["data"]["balance"]["available"]["amount"], -300);
        let second = world.client("Leyla").await.orders(&kristal).await;
        kristal.accepts(&second).await.ok();
        kristal.admits(&second).await.ok();
        // Placed while the balance still sufficed.
        world.support().credits(&kristal.partner_id, 500).await.ok();
        let waiting = world.client("Samir").await.orders(&kristal).await;
        kristal.completes(&second, 20_000).await.ok();
        assert_eq!(kristal.balance().await, (-1000, 0, -1000));
        world.app().scheduler.sweep().await.unwrap();
        let told = hears.hears("balance.restricted").await;
        assert_eq!(told["data"]["balance"]["restricted"], true);
        world.client("Rauf").await.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
        kristal.accepts(&waiting).await.refused("balance_restricted");
        // Bonus that covers a commission does not lift the restriction either.
        grants_branch(world, &kristal, 500, 24).await;
        kristal.accepts(&waiting).await.refused("balance_restricted");
        // 9.99 more: one qəpik below zero, still restricted although above the floor.
        world.support().credits(&kristal.partner_id, 999).await.ok();
        world.client("Nigar").await.tries(&kristal, &["wash.body"]).await.refused("partner_cannot_take");
        world.support().credits(&kristal.partner_id, 1).await.ok();
        world.app().scheduler.sweep().await.unwrap();
        hears.hears("balance.unrestricted").await;
        let order = world.client("Farid").await.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
    }

    /// BAL-3: usable bonus counts where the balance alone would not suffice.
    async fn bal_3_bonus_counts_when_it_is_asked_whether_the_partner_can_afford_it(world) {
        let kristal = world.branch_with("Kristal", 0).await;
        let anar = world.client("Anar").await;
        let dear = ["wash.body", "wash.full"];
        for _ in 0..2 {
            let order = world.client("Leyla").await.orders_services(&kristal, &["wash.full"]).await;
            kristal.accepts(&order).await.ok();
        }
        // 4.00 of the 5.00 below zero are held; 3.20 more would be too much.
        anar.tries(&kristal, &dear).await.refused("partner_cannot_take");
        grants_branch(world, &kristal, 220, 24).await;
        let order = anar.orders_services(&kristal, &dear).await;
        kristal.accepts(&order).await.ok();
        assert_eq!(kristal.balance().await, (0, 500, -500));
    }
}
