//! Penalties paid, shared, disputed and decided (PEN-5, PEN-6, BAL-6).

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::faults::{
    accepted, decides, disputes, leaves_late, newest_penalty, pays, pays_all,
};
use crate::support::{Branch, Client, World, instant};

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// A branch with services at 10.00 and 10.10, whose late fees are 1.00 and 1.01.
async fn priced(world: &World) -> (Branch, Client) {
    let mut kristal = world.branch("Kristal").await;
    for (code, price) in [("even", 1000), ("odd", 1010)] {
        kristal.offers(code, json!([{"class": "sedan", "price": price, "minutes": 30}])).await;
    }
    (kristal, world.client("Anar").await)
}

/// The postings of a penalty: kind, account credited, amount, number.
async fn postings(world: &World, penalty: &str) -> Vec<(String, String, i64, i64)> {
    let whole = world.support().get(&format!("/v1/support/penalties/{penalty}")).await;
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let rows = whole.ok()["postings"].as_array().unwrap().clone();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            let amount = row["amount"]["amount"].as_i64().unwrap();
            (text(row, "kind"), text(row, "credit"), amount, row["n"].as_i64().unwrap())
        })
        .collect();
    found.sort_by_key(|row| (row.3, row.0.clone()));
    found
}

both! {
    /// PEN-5: a fee of 1.00 is shared 50 to 50, of 1.01 the partner gets 51.
    async fn pen_5_the_odd_qepik_goes_to_the_partner(world) {
        let (kristal, anar) = priced(world).await;
        let even = leaves_late(world, &kristal, &anar, "even").await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        let paid = pays(world, &even, 100).await;
        assert_eq!((paid.status, &paid.ok()["state"]), (201, &json!("paid")));
        assert_eq!(paid.at("settled_at"), world.now());
        assert_eq!(kristal.balance().await, (5050, 0, 5050));
        let odd = leaves_late(world, &kristal, &anar, "odd").await;
        pays(world, &odd, 101).await.ok();
        assert_eq!(kristal.balance().await, (5101, 0, 5101));
        let partner = format!("partner:{}", kristal.partner_id);
        let operator = "operator:penalties".to_owned();
        let shared = [
            ("penalty_fee".to_owned(), operator, 50, 1),
            ("penalty_share".to_owned(), partner, 51, 1),
        ];
        assert_eq!(postings(world, &odd).await, shared);
        let statement = kristal.get("/v1/partner/statement").await;
        let lines = statement.ok()["items"].as_array().unwrap().clone();
        assert_eq!((&lines[0]["kind"], lines.len()), (&json!("penalty_share"), 3));
        assert_eq!(lines[0]["amount"]["amount"], 51);
    }

    /// PEN-5: 1.01 paid one qəpik at a time ends like one payment, and each step emits events to
    /// both.
    async fn pen_5_part_payments_end_equal_to_one_payment(world) {
        let (kristal, anar) = priced(world).await;
        let odd = leaves_late(world, &kristal, &anar, "odd").await;
        let (mut client, mut branch) = (anar.follows().await, kristal.follows().await);
        let owed = newest_penalty(&anar).await;
        assert_eq!(owed["amount"]["amount"], 101);
        for n in 1..=100 {
            assert_eq!(pays(world, &odd, 1).await.ok()["state"], "pending", "{n}");
        }
        assert_eq!(pays(world, &odd, 1).await.ok()["state"], "paid");
        assert_eq!(kristal.balance().await, (5051, 0, 5051));
        for n in 1..=101 {
            let told = client.hears("penalty.changed").await;
            assert_eq!(told["data"]["penalty"]["paid"]["amount"], n);
            assert_eq!(told["data"]["penalty"]["id"], odd.as_str());
        }
        // The first qəpik is the partner's, then every other one.
        for _ in 1..=51 {
            let told = branch.hears("balance.changed").await;
            assert_eq!(told["data"]["kind"], "penalty_share");
            assert_eq!(told["data"]["amount"]["amount"], 1);
        }
        assert_eq!(postings(world, &odd).await.len(), 101);
        pays(world, &odd, 1).await.refused("penalty_overpaid");
    }

    /// PEN-5: a payment is refused if zero, negative, more than what is left, or without a reason.
    async fn pen_5_a_payment_fits_what_is_left(world) {
        let (kristal, anar) = priced(world).await;
        let penalty = leaves_late(world, &kristal, &anar, "even").await;
        pays(world, &penalty, 0).await.refused("amount_invalid");
        pays(world, &penalty, -1).await.refused("amount_invalid");
        pays(world, &penalty, 30).await.ok();
        assert_eq!(pays(world, &penalty, 71).await.refused("penalty_overpaid")["left"]["amount"], 70);
        let path = format!("/v1/support/penalties/{penalty}/payments");
        let silent = world.support().post(&path, json!({"amount": 1, "reason": " "})).await;
        silent.refused("reason_required");
        pays(world, &anar.person_id, 1).await.refused("no_such_penalty");
        assert_eq!(kristal.balance().await, (5015, 0, 5015));
        // Of two concurrent records of the rest one finds nothing left.
        let (one, two) = tokio::join!(pays(world, &penalty, 70), pays(world, &penalty, 70));
        let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
        assert_eq!(won.ok()["state"], "paid");
        lost.refused("penalty_overpaid");
        assert_eq!(kristal.balance().await, (5050, 0, 5050));
    }

    /// OUT-1, PEN-7: the days to dispute move with our own outage: due 08:00:11, down 08:00, up
    /// 08:10, so until 08:11.
    async fn out_1_the_days_to_dispute_move(world) {
        let (kristal, anar) = priced(world).await;
        let penalty = leaves_late(world, &kristal, &anar, "even").await;
        assert_eq!(newest_penalty(&anar).await["dispute_until"], "2026-11-27T08:00:11Z");
        world.until(instant("2026-11-27T08:00:00Z")).await;
        world.is_down_for(TimeDelta::minutes(10)).await;
        world.until(instant("2026-11-27T08:11:00Z")).await;
        assert_eq!(disputes(&anar, &penalty).await.ok()["state"], "disputed");
    }

    /// PEN-5, PEN-7: disputed once, within seven days, by the client or branch; support is
    /// notified.
    async fn pen_5_a_dispute_is_opened_in_time_and_decided(world) {
        let (kristal, anar) = priced(world).await;
        let mut queue = world.support().watches("money").await;
        let penalty = leaves_late(world, &kristal, &anar, "even").await;
        assert_eq!(newest_penalty(&anar).await["dispute_until"], "2026-11-27T08:00:11Z");
        let leyla = world.client("Leyla").await;
        disputes(&leyla, &penalty).await.refused("no_such_penalty");
        decides(world, &penalty, "reject").await.refused("penalty_not_disputed");
        world.until(instant("2026-11-27T08:00:11Z")).await;
        assert_eq!(disputes(&anar, &penalty).await.ok()["state"], "disputed");
        let told = queue.hears("support.penalty_disputed").await;
        assert_eq!(told["data"]["reason"], "The gate was shut");
        assert_eq!(told["data"]["penalty"]["id"], penalty.as_str());
        disputes(&anar, &penalty).await.refused("penalty_disputed");
        let path = "/v1/support/penalties?state=disputed";
        assert_eq!(world.support().get(path).await.ok()["items"][0]["id"], penalty.as_str());
        // Money that arrives meanwhile is shared; the dispute goes on, and the penalty ends as
        // paid.
        assert_eq!(pays(world, &penalty, 100).await.ok()["state"], "disputed");
        assert_eq!(kristal.balance().await, (5050, 0, 5050));
        assert_eq!(decides(world, &penalty, "reject").await.ok()["state"], "paid");
        disputes(&anar, &penalty).await.refused("dispute_decided");
        assert_eq!(world.support().get(path).await.ok()["items"], json!([]));
        let late = leaves_late(world, &kristal, &anar, "even").await;
        world.advance(TimeDelta::days(7) + MICROSECOND).await;
        disputes(&anar, &late).await.refused("dispute_over");
        decides(world, &late, "waive").await.refused("dispute_over");
    }

    /// PEN-6: paying lifts the block on orders; so does disputing, until support rejects it.
    async fn pen_6_paying_or_disputing_lets_a_client_order_again(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        leaves_late(world, &kristal, &anar, "wash.body").await;
        let second = leaves_late(world, &kristal, &anar, "wash.body").await;
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        pays(world, &second, 149).await.ok();
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        pays(world, &second, 1).await.ok();
        let third = leaves_late(world, &kristal, &anar, "wash.body").await;
        anar.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        disputes(&anar, &third).await.ok();
        let order = accepted(&kristal, &anar).await;
        decides(world, &third, "reject").await.ok();
        let other = anar.with_another("sedan").await;
        other.tries(&kristal, &["wash.body"]).await.refused("penalties_unpaid");
        anar.sees(&order).await.status("confirmed");
        pays_all(world, &anar).await;
        other.orders(&kristal).await;
    }

    /// BAL-6, PEN-5: a corrupted penalty, or posting of one, is reported.
    async fn pen_5_a_penalty_made_wrong_is_named(world) {
        let (kristal, anar) = priced(world).await;
        let penalty = leaves_late(world, &kristal, &anar, "odd").await;
        pays(world, &penalty, 31).await.ok();
        for (breaking, mending, check) in [
            ("paid = 30", "paid = 31", "penalty_shares"),
            ("paid = 102", "paid = 31", "penalty_paid"),
            ("state = 'paid'", "state = 'pending'", "penalty_paid"),
            ("state = 'waived'", "state = 'pending'", "penalty_paid"),
            ("amount = 100", "amount = 101", "penalty_amount"),
        ] {
            world.tampers(&format!("UPDATE penalty SET {breaking}")).await;
            assert!(named(world, check, &penalty).await, "{breaking}");
            world.tampers(&format!("UPDATE penalty SET {mending}")).await;
        }
        for (breaking, mending, of) in [
            ("amount = 15", "amount = 16", "penalty_share"),
            ("amount = 16", "amount = 15", "penalty_fee"),
            ("credit = 'operator:commission'", "credit = 'operator:penalties'", "penalty_fee"),
            ("debit = 'operator:elsewhere'", "debit = 'operator:received'", "penalty_fee"),
        ] {
            world.tampers(&format!("UPDATE posting SET {breaking} WHERE kind = '{of}'")).await;
            assert!(named(world, "penalty_shares", &penalty).await, "{breaking}");
            world.tampers(&format!("UPDATE posting SET {mending} WHERE kind = '{of}'")).await;
        }
        assert_eq!(world.support().proof().await.ok()["ok"], true);
    }
}

async fn named(world: &World, check: &str, id: &str) -> bool {
    let proof = world.support().proof().await;
    assert_eq!(proof.ok()["ok"], false);
    let all = proof.json["violations"].as_array().unwrap().clone();
    all.iter().any(|v| v["check"] == check && v["table"] == "penalty" && v["id"] == id)
}
