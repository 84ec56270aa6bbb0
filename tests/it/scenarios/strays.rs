//! Callbacks about payments that are unknown here, or not known yet (LIM-11, BAL-5).

use chrono::TimeDelta;
use fakes::Next;
use fakes::epoint::Payment;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::ask::seconds;
use crate::support::fakes::{Epoint, Payriff, signed};
use crate::support::pay::{calls, id, outcomes, tops_up};

const LOST: &str = "01990000-0000-7000-8000-000000000001";

/// Creates a payment at the provider that was lost here.
fn lost(bank: &Epoint, status: &str) {
    let payment = Payment {
        transaction: "te0000000404".to_owned(),
        amount: "20.00".to_owned(),
        status: status.to_owned(),
        back: Vec::new(),
    };
    bank.with(|bank| bank.payments.insert(LOST.to_owned(), payment));
}

async fn strays(world: &World) -> Vec<Value> {
    let page = world.support().get("/v1/support/stray-payments?open=true").await;
    page.ok()["items"].as_array().unwrap().clone()
}

both! {
    /// LIM-11: money for a payment that was lost in a restore is reported to support with the
    /// provider's data, again each day until it is settled.
    async fn lim_11_money_nobody_here_knows_is_told(world) {
        let bank = Epoint::serves(world).await;
        let mut queue = world.support().watches("money").await;
        lost(&bank, "success");
        let raw = bank.callback(LOST, "success", "20.00");
        calls(world, "epoint", &raw).await.problem(404, "no_such_payment");
        let told = queue.hears("support.payment_unknown").await["data"]["payment"].clone();
        assert_eq!((&told["driver"], &told["payment_id"], &told["reference"]), (&json!("epoint"), &json!(LOST), &json!("te0000000404")));
        assert_eq!((&told["amount"]["amount"], &told["status"]), (&json!(2000), &json!("success")));
        // The provider calls again: no second event at once.
        let again = bank.callback(LOST, "success", "20.0");
        calls(world, "epoint", &again).await.problem(404, "no_such_payment");
        assert_eq!(strays(world).await.len(), 1);
        assert_eq!(world.support().watches("money").await.hello["seq"], queue.seq);
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(queue.hears("support.payment_unknown").await["data"]["payment"]["id"], told["id"]);
        let path = format!("/v1/support/stray-payments/{}/close", told["id"].as_str().unwrap());
        let body = json!({"reason": "Credited by hand"});
        assert_eq!(world.support().post(&path, body.clone()).await.ok()["note"], "Credited by hand");
        world.support().post(&path, body).await.refused("stray_payment_closed");
        world.advance(TimeDelta::hours(48)).await;
        assert_eq!((strays(world).await.len(), world.support().watches("money").await.hello["seq"].clone()), (0, json!(queue.seq)));
    }

    /// LIM-11: a refund at the provider settles it; an unpaid one emits no event.
    async fn lim_11_what_goes_back_is_settled(world) {
        let bank = Epoint::serves(world).await;
        let mut queue = world.support().watches("money").await;
        lost(&bank, "new");
        let raw = bank.callback(LOST, "success", "20.00");
        calls(world, "epoint", &raw).await.problem(404, "no_such_payment");
        assert_eq!(strays(world).await.len(), 0);
        bank.paid(LOST);
        calls(world, "epoint", &raw).await.problem(404, "no_such_payment");
        queue.hears("support.payment_unknown").await;
        assert!(bank.with(|bank| bank.charges_back(LOST)));
        world.advance(TimeDelta::hours(24) + seconds(1)).await;
        assert_eq!(queue.hears("support.payment_unknown").await["data"]["payment"]["status"], "returned");
        assert_eq!(strays(world).await.len(), 0);
    }

    /// LIM-11: callbacks about unknown payments cause a limited number of polls in an hour, and
    /// only for ids that are valid in a URL.
    async fn lim_11_a_flood_of_callbacks_is_bounded(world) {
        let bank = Payriff::serves(world).await;
        for n in 0..80 {
            let raw = json!({"payload": {"orderId": format!("NOBODYS{n}")}}).to_string();
            calls(world, "payriff", &raw).await.problem(404, "no_such_payment");
        }
        let asked = (0..80).map(|n| bank.times(&format!("/NOBODYS{n}"))).sum::<usize>();
        assert_eq!(asked, 60);
        let crooked = json!({"payload": {"orderId": "../../refund"}}).to_string();
        calls(world, "payriff", &crooked).await.problem(400, "callback_unreadable");
        world.advance(TimeDelta::hours(1)).await;
        let raw = json!({"payload": {"orderId": "NOBODYS99"}}).to_string();
        calls(world, "payriff", &raw).await.problem(404, "no_such_payment");
        assert_eq!(bank.times("/NOBODYS99"), 1);
    }

    /// BAL-5: a callback that arrives before the provider's id was recorded finds its payment.
    async fn bal_5_an_early_callback_finds_its_payment(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        bank.next("/orders", Next::ActAndHang);
        let ask = || kristal.ask("POST", "/v1/partner/top-ups").key("once").body(json!({"amount": 2000}));
        assert_eq!(ask().send().await.json["code"], "provider_unreachable");
        let name = bank.with(|bank| bank.orders.keys().next().unwrap().clone());
        bank.with(|bank| "APPROVED".clone_into(&mut bank.orders.get_mut(&name).unwrap().status));
        let raw = json!({"code": "00000", "payload": {"orderId": name}}).to_string();
        assert_eq!(calls(world, "payriff", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await.0, 7000);
        assert_eq!(ask().send().await.ok()["state"], "paid");
    }

    /// BAL-5: an unknown answer of the provider to the request for a page is reported to support.
    async fn bal_5_an_unclear_page_is_told(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        bank.next("/request", Next::Say(json!({"status": "odd"})));
        let ask = || kristal.ask("POST", "/v1/partner/top-ups").key("once").body(json!({"amount": 2000}));
        let unclear = ask().send().await;
        assert_eq!((unclear.status, &unclear.json["code"]), (503, &json!("provider_unclear")));
        let told = queue.hears("support.payment_unclear").await["data"].clone();
        assert_eq!(told["payment"]["amount"]["amount"], 2000);
        assert!(told["reason"].as_str().unwrap().starts_with("Asked for a page, the provider says"), "{told}");
        bank.next("/request", Next::Say(json!({"status": "odd"})));
        assert_eq!(ask().send().await.status, 503);
        assert_eq!(world.support().watches("money").await.hello["seq"], queue.seq, "once");
        ask().send().await.ok();
    }

    /// BAL-5: a bare `+` in the base64 of Epoint's form is read as a plus.
    async fn bal_5_a_bare_plus_is_mended(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.paid(&payment);
        // A message whose base64 and signature both contain a plus.
        let form = |n: u32| signed(&json!({"order_id": payment, "status": "success", "message": format!("ÿ>{n}~")}));
        let raw = (0..10_000).map(form).find(|form| form.split('&').all(|field| field.contains("%2B"))).unwrap();
        let bare = raw.replace("%2B", "+");
        assert_eq!(calls(world, "epoint", &bare).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await.0, 7000);
        // An additional plus is still forged.
        calls(world, "epoint", &format!("{bare}+")).await.problem(403, "callback_forged");
        assert_eq!(outcomes(world).await, ["credited", "forged"]);
    }
}
