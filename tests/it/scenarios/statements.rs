//! Every line of a statement names its order, rule and lot (BAL-4); corrupted bonus rows are
//! reported by the proof (BAL-6).

use serde_json::{Value, json};

use super::proofs::{breaks, id};
use crate::support::bonus::{grants, grants_branch, pays_with_bonus};
use crate::support::faults::{leaves_late, pays};
use crate::support::{Branch, World, minutes};

/// Kind, rule, account, qəpik.
fn short(line: &Value) -> (String, String, String, i64) {
    let text = |field: &str| line[field].as_str().unwrap().to_owned();
    (text("kind"), text("rule"), text("account"), line["amount"]["amount"].as_i64().unwrap())
}

fn said(kind: &str, rule: &str, account: &str, amount: i64) -> (String, String, String, i64) {
    (kind.to_owned(), rule.to_owned(), account.to_owned(), amount)
}

/// A branch with a grant, an order paid from both accounts, and a share of a penalty.
async fn lived(world: &World) -> (Branch, String, String) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let lot = grants_branch(world, &kristal, 100, 24).await;
    let order = anar.orders(&kristal).await;
    kristal.accepts(&order).await.ok();
    kristal.admits(&order).await.ok();
    kristal.completes(&order, 1500).await.ok();
    let penalty = leaves_late(world, &kristal, &world.client("Leyla").await, "wash.body").await;
    pays(world, &penalty, 150).await.ok();
    (kristal, order.id, lot)
}

/// A statement as a CSV file.
async fn file(branch: &Branch, span: &str) -> String {
    let scene = &branch.scene;
    let url = format!("http://{}/v1/partner/statement.csv?{span}", scene.addr());
    let answer = scene.http.get(url).bearer_auth(&branch.token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    answer.text().await.unwrap()
}

both! {
    /// BAL-4: pages, file and month agree, each line with its order, rule and lot.
    async fn bal_4_every_line_names_its_order_rule_and_lot(world) {
        let (kristal, order, lot) = lived(world).await;
        let page = kristal.get("/v1/partner/statement").await;
        let lines = page.ok()["items"].as_array().unwrap().clone();
        let mut found: Vec<_> = lines.iter().map(short).collect();
        found.sort();
        let mut expected = [
            said("bonus_granted", "BON-8", "bonus", 100),
            said("commission", "COM-3", "balance", -35),
            said("commission_bonus", "COM-3", "bonus", -100),
            said("credit", "BAL-5", "balance", 5000),
            said("penalty_share", "PEN-5", "balance", 75),
        ];
        expected.sort();
        assert_eq!(found, expected);
        let of = |kind: &str| lines.iter().find(|line| line["kind"] == kind).unwrap().clone();
        assert_eq!(of("commission")["order_id"], order.as_str());
        let bonus = of("commission_bonus");
        assert_eq!((&bonus["order_id"], &bonus["lot_id"]), (&json!(order), &json!(lot)));
        assert!(of("penalty_share")["order_id"].is_string());

        let span = "from=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z";
        let text = file(&kristal, span).await;
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "id,at,kind,rule,account,qepik,order_id,lot_id,subject,note");
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().any(|row| row.contains(&format!("commission_bonus,COM-3,bonus,-100,{order},{lot}"))));
        let nothing = "from=2026-11-21T00:00:00Z&until=2026-11-22T00:00:00Z";
        let none = file(&kristal, nothing).await;
        assert_eq!(none.lines().count(), 1);

        let month = kristal.get("/v1/partner/statements/2026-11").await;
        assert_eq!((month.money("opening_balance"), month.money("closing_balance")), (0, 5040));
        assert_eq!((month.money("opening_bonus"), month.money("closing_bonus")), (0, 0));
        assert_eq!(month.ok()["from"], "2026-10-31T20:00:00Z");
        assert_eq!(month.ok()["totals"].as_array().unwrap().len(), 5);
        let next = kristal.get("/v1/partner/statements/2026-12").await;
        assert_eq!((next.money("opening_balance"), next.money("closing_balance")), (5040, 5040));
        for month in ["November", "2026-13", "1999-12", "-2026-01"] {
            let path = format!("/v1/partner/statements/{month}");
            kristal.get(&path).await.refused("malformed");
        }
        let far = "/v1/partner/statement.csv?from=-100000-01-01T00:00:00Z&until=2026-11-21T00:00:00Z";
        kristal.get(far).await.refused("malformed");
        assert_eq!(kristal.balance().await, (5040, 0, 5040));
    }

    /// BAL-4, COM-1: the explanation of a charge: the bracket, the amount, the parts.
    async fn bal_4_why_an_order_was_charged(world) {
        let (kristal, order, lot) = lived(world).await;
        let path = format!("/v1/partner/orders/{order}/charges");
        let why = kristal.get(&path).await;
        assert_eq!((why.money("base"), why.money("commission"), why.money("from_bonus")), (1500, 135, 100));
        assert_eq!((&why.ok()["rate_bp"], &why.ok()["bracket_up_to"]["amount"]), (&json!(900), &json!(2000)));
        assert_eq!((&why.ok()["mode"], &why.ok()["held"]), (&json!("flat"), &json!(false)));
        let lines = why.ok()["lines"].as_array().unwrap().clone();
        let mut found: Vec<_> = lines.iter().map(short).collect();
        found.sort();
        let taken = [
            said("commission", "COM-3", "balance", -35),
            said("commission_bonus", "COM-3", "bonus", -100),
        ];
        assert_eq!(found, taken);
        assert!(lines.iter().any(|line| line["lot_id"] == lot.as_str()));
        let shine = world.branch("Shine").await;
        shine.get(&path).await.refused("no_such_order");
    }

    /// BAL-6, BON-1, BON-3: a corrupted lot, bonus account, hold allocation or reservation is
    /// reported.
    async fn bal_6_bonus_made_wrong_is_named(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let lot = grants_branch(world, &kristal, 500, 24).await;
        let order = anar.orders(&kristal).await;
        kristal.accepts(&order).await.ok();
        let own = grants(world, &anar, 700, 24).await;
        let other = anar.with_another("sedan").await;
        let paid = pays_with_bonus(&other, &kristal, 200).await;
        kristal.accepts(&paid).await.ok();
        let (of_lot, of_own) = (id(world, &lot), id(world, &own));
        let bonus_account = id(world, &kristal.partner_id);
        let holding = id(world, &order.id);
        let reserved = id(world, &paid.id);
        let of = |table: &str, set: &str, id: &str| format!("UPDATE {table} SET {set} WHERE id = {id}");
        let order_of = |set: &str, id: &str| format!("UPDATE \"order\" SET {set} WHERE id = {id}");
        for (breaking, mending, named) in [
            (of("lot", "free = free - 1", &of_lot), of("lot", "free = free + 1", &of_lot), ("lot_posted", "lot", lot.as_str())),
            (of("lot", "pinned = pinned - 1", &of_own), of("lot", "pinned = pinned + 1", &of_own), ("lot_pinned", "lot", own.as_str())),
            (of("lot", "state = 'queued'", &of_lot), of("lot", "state = 'running'", &of_lot), ("queue_head", "bonus_account", kristal.partner_id.as_str())),
            (of("lot", "state = 'expired'", &of_lot), of("lot", "state = 'running'", &of_lot), ("lot_state", "lot", lot.as_str())),
            (of("bonus_account", "live = false", &bonus_account), of("bonus_account", "live = true", &bonus_account), ("bonus_account_live", "bonus_account", kristal.partner_id.as_str())),
            (of("hold", "bonus = bonus - 1", &holding), of("hold", "bonus = bonus + 1", &holding), ("hold_parts", "hold", order.id.as_str())),
            (of("reservation", "amount = 199", &reserved), of("reservation", "amount = 200", &reserved), ("reservation_order", "reservation", paid.id.as_str())),
            (of("reservation", "state = 'released'", &reserved), of("reservation", "state = 'open'", &reserved), ("order_reserved", "order", paid.id.as_str())),
            (order_of("bonus = 0", &reserved), order_of("bonus = 200", &reserved), ("reservation_order", "reservation", paid.id.as_str())),
        ] {
            breaks(world, &breaking, &mending, &[named]).await;
        }
        world.advance(minutes(1)).await;
        serves_rest(&kristal, &paid).await;
    }
}

async fn serves_rest(kristal: &Branch, order: &crate::support::Order) {
    kristal.admits(order).await.ok();
    kristal.completes(order, 1500).await.ok();
}
