//! Penalties paid through a provider: shared, refunded, a debt again (PEN-5, PEN-7).

use serde_json::json;

use crate::support::fakes::Epoint;
use crate::support::fakes::Payriff;
use crate::support::faults::{decides, leaves_late, newest_penalty, pays};
use crate::support::pay::{account, calls, id, outcomes, pays_penalty, postings};
use crate::support::{Branch, Client, World, ask, minutes, seconds};
use fakes::Next;

/// A branch, a client who owes it 1.01, and the payment provider.
async fn owed(world: &mut World) -> (Epoint, Branch, Client, String) {
    let bank = Epoint::serves(world).await;
    let mut kristal = world.branch("Kristal").await;
    kristal.offers("odd", json!([{"class": "sedan", "price": 1010, "minutes": 30}])).await;
    let anar = world.client("Anar").await;
    let penalty = leaves_late(world, &kristal, &anar, "odd").await;
    (bank, kristal, anar, penalty)
}

/// Marks the payment as paid and has the provider call back.
async fn settles(world: &World, bank: &Epoint, payment: &str) {
    bank.paid(payment);
    let raw = bank.callback(payment, "success", &bank.payment(payment).amount);
    assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
}

async fn stands(client: &Client) -> (String, i64) {
    let penalty = newest_penalty(client).await;
    (penalty["state"].as_str().unwrap().to_owned(), ask::money(&penalty["paid"]))
}

fn is(state: &str, paid: i64) -> (String, i64) {
    (state.to_owned(), paid)
}

both! {
    /// PEN-5: a payment through a provider is shared like one by hand, on the cumulative sum.
    async fn pen_5_a_penalty_is_paid_in_the_app(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        let part = pays_penalty(&anar, &penalty, json!({"amount": 50})).await;
        assert_eq!((part.status, &part.ok()["penalty_id"]), (201, &json!(penalty)));
        let path = format!("/v1/client/penalties/{penalty}/payments");
        let own = format!("{path}/{}", id(&part));
        let begun = anar.get(&own).await;
        assert_eq!((&begun.ok()["state"], begun.money("amount")), (&json!("created"), 50));
        settles(world, &bank, &id(&part)).await;
        assert_eq!(anar.get(&own).await.ok()["state"], "paid");
        assert_eq!(anar.get(&path).await.ok()["items"][0]["id"], part.json["id"]);
        let whole = anar.get(&format!("/v1/client/penalties/{penalty}")).await;
        assert_eq!(whole.money("paid"), 50);
        let leyla = world.client("Leyla").await;
        leyla.get(&own).await.refused("no_such_payment");
        leyla.get(&format!("/v1/client/penalties/{penalty}")).await.refused("no_such_penalty");
        assert_eq!(leyla.get(&path).await.ok()["items"], json!([]));
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("pending", 50), 5025));
        let rest = pays_penalty(&anar, &penalty, json!({})).await;
        assert_eq!(rest.money("amount"), 51);
        let mut hears = anar.follows().await;
        settles(world, &bank, &id(&rest)).await;
        assert_eq!(hears.hears("penalty.changed").await["data"]["penalty"]["state"], "paid");
        assert_eq!(hears.hears("payment.changed").await["data"]["payment"]["state"], "paid");
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("paid", 101), 5051));
        assert_eq!(account(world, "gateway:epoint").await, -101);
        assert_eq!(account(world, "operator:received").await, -5000, "only the branch's cash");
        assert_eq!(account(world, "operator:penalties").await, 50);
        pays_penalty(&anar, &penalty, json!({})).await.refused("penalty_overpaid");
    }

    /// PEN-5: an invalid amount opens no payment.
    async fn pen_5_a_payment_in_the_app_fits_what_is_left(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        pays_penalty(&anar, &penalty, json!({"amount": 0})).await.refused("amount_invalid");
        pays_penalty(&anar, &penalty, json!({"amount": -5})).await.refused("amount_invalid");
        let more = pays_penalty(&anar, &penalty, json!({"amount": 102})).await;
        assert_eq!(more.refused("penalty_overpaid")["left"]["amount"], 101);
        let dollars = json!({"amount": {"amount": 50, "currency": "USD"}});
        pays_penalty(&anar, &penalty, dollars).await.refused("malformed");
        let leyla = world.client("Leyla").await;
        pays_penalty(&leyla, &penalty, json!({})).await.refused("no_such_penalty");
        decides(world, &penalty, "waive").await.ok();
        pays_penalty(&anar, &penalty, json!({})).await.refused("penalty_waived");
        assert_eq!((bank.times("/request"), kristal.balance().await.0), (0, 5000));
        assert!(outcomes(world).await.is_empty());
    }

    /// PEN-5: an overpayment is refunded the way it came.
    async fn pen_5_what_is_too_much_goes_back(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        pays(world, &penalty, 61).await.ok();
        settles(world, &bank, &payment).await;
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("paid", 101), 5051));
        world.advance(seconds(1)).await;
        assert_eq!(bank.payment(&payment).back, ["0.61"]);
        assert_eq!((account(world, "gateway:epoint").await, account(world, "operator:refunds").await), (-40, 0));
        // Paid twice concurrently: nothing is left for the second.
        let other = leaves_late(world, &kristal, &anar, "odd").await;
        let one = id(&pays_penalty(&anar, &other, json!({})).await);
        let two = id(&pays_penalty(&anar, &other, json!({"confirm": true})).await);
        settles(world, &bank, &one).await;
        settles(world, &bank, &two).await;
        world.advance(seconds(1)).await;
        assert_eq!((bank.payment(&one).back.len(), bank.payment(&two).back.clone()), (0, vec!["1.01".to_owned()]));
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("paid", 101), 5102));
    }

    /// PEN-5: a partial refund whose answer was lost is looked up: Payriff reports that a part was
    /// refunded; a second part that cannot be told from the first waits for support.
    async fn pen_5_parts_go_back_once(world) {
        let bank = Payriff::serves(world).await;
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let penalty = leaves_late(world, &kristal, &anar, "wash.body").await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        pays(world, &penalty, 50).await.ok();
        bank.stands(&payment, "APPROVED");
        bank.next("/refund", Next::ActAndHang);
        let raw = bank.callback(&payment, "APPROVED");
        assert_eq!(calls(world, "payriff", &raw).await.ok(200)["outcome"], "credited");
        world.advance(minutes(20)).await;
        let name = bank.name_of(&payment);
        let gone = || bank.with(|bank| bank.orders[&name].back.clone());
        assert_eq!((gone(), account(world, "gateway:payriff").await), (vec![json!(0.50)], -100));
        assert_eq!(account(world, "operator:refunds").await, 0);
        let mut queue = world.support().watches("money").await;
        bank.next("/refund", Next::ActAndHang);
        decides(world, &penalty, "waive").await.ok();
        world.advance(minutes(120)).await;
        assert_eq!(gone(), [json!(0.50), json!(1.00)]);
        for why in ["perhaps done", "the provider says PartlyReturned"] {
            let told = queue.hears("support.refund_late").await["data"]["reason"].clone();
            assert!(told.as_str().unwrap().starts_with(why), "{told}");
        }
        assert_eq!((bank.times("/refund"), account(world, "operator:refunds").await), (2, 100));
        // Once the provider reports a full refund, the case is clear.
        bank.stands(&payment, "REFUNDED");
        world.advance(minutes(120)).await;
        assert_eq!((bank.times("/refund"), account(world, "operator:refunds").await), (2, 0));
    }

    /// PEN-7: after a waiver the payment is refunded the way it came: cash as cash, the rest
    /// through the provider; after reinstating, only what was really refunded is a debt again.
    async fn pen_7_a_waiver_gives_back_through_the_provider(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        pays(world, &penalty, 21).await.ok();
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        settles(world, &bank, &payment).await;
        assert_eq!(kristal.balance().await.0, 5051);
        decides(world, &penalty, "waive").await.ok();
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("waived", 0), 5000));
        assert_eq!(account(world, "operator:refunds").await, 80);
        world.advance(seconds(1)).await;
        assert_eq!(bank.payment(&payment).back, ["0.80"]);
        assert_eq!(account(world, "gateway:epoint").await, 0);
        let again = decides(world, &penalty, "reinstate").await;
        assert_eq!((&again.ok()["state"], again.money("paid")), (&json!("pending"), 21));
        assert_eq!(kristal.balance().await.0, 5011);
        // The debt can be paid and waived again.
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        settles(world, &bank, &payment).await;
        assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("paid", 101), 5051));
        decides(world, &penalty, "waive").await.ok();
        world.advance(seconds(1)).await;
        assert_eq!((bank.payment(&payment).back.clone(), kristal.balance().await.0), (vec!["0.80".to_owned()], 5000));
    }

    /// PEN-7: a payment and a waiver race: whichever is first, all of it is refunded.
    async fn pen_7_a_waiver_races_the_money(world) {
        let (bank, kristal, anar, _) = owed(world).await;
        for _ in 0..4 {
            let penalty = leaves_late(world, &kristal, &anar, "odd").await;
            let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
            bank.paid(&payment);
            let raw = bank.callback(&payment, "success", "1.01");
            let (heard, waived) =
                tokio::join!(calls(world, "epoint", &raw), decides(world, &penalty, "waive"));
            assert_eq!(heard.ok(200)["outcome"], "credited");
            assert_eq!(waived.ok()["state"], "waived");
            assert_eq!((stands(&anar).await, kristal.balance().await.0), (is("waived", 0), 5000));
            world.advance(seconds(1)).await;
            assert_eq!(bank.payment(&payment).back, ["1.01"]);
            assert_eq!(account(world, "operator:received").await, -5000);
        }
    }

    /// PEN-7: reinstated before the refund was requested, the penalty is paid as it was.
    async fn pen_7_a_refund_nobody_asked_for_yet_is_called_off(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        settles(world, &bank, &payment).await;
        let before = newest_penalty(&anar).await;
        decides(world, &penalty, "waive").await.ok();
        decides(world, &penalty, "reinstate").await.ok();
        assert_eq!(newest_penalty(&anar).await, before);
        assert_eq!(kristal.balance().await.0, 5051);
        world.advance(minutes(60)).await;
        assert_eq!(bank.times("/reverse"), 0);
        let kinds: Vec<String> = postings(world, &payment).await.into_iter().map(|p| p.0).collect();
        assert_eq!(kinds, ["payment", "payment_refund", "payment_kept"]);
    }

    /// PEN-7: a requested, unanswered refund counts as done; a refused one leaves the penalty paid.
    async fn pen_7_a_refund_under_way_or_refused(world) {
        let (bank, kristal, anar, penalty) = owed(world).await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        settles(world, &bank, &payment).await;
        bank.next("/reverse", Next::ActAndHang);
        decides(world, &penalty, "waive").await.ok();
        world.advance(seconds(1)).await;
        let again = decides(world, &penalty, "reinstate").await;
        assert_eq!((&again.ok()["state"], again.money("paid")), (&json!("pending"), 0));
        world.advance(minutes(20)).await;
        assert_eq!((bank.times("/reverse"), account(world, "gateway:epoint").await), (1, 0));

        let mut queue = world.support().watches("money").await;
        let payment = id(&pays_penalty(&anar, &penalty, json!({})).await);
        settles(world, &bank, &payment).await;
        bank.next("/reverse", Next::Say(json!({"status": "failed", "message": "Closed"})));
        decides(world, &penalty, "waive").await.ok();
        world.advance(seconds(1)).await;
        queue.hears("support.refund_refused").await;
        let again = decides(world, &penalty, "reinstate").await;
        assert_eq!((&again.ok()["state"], again.money("paid")), (&json!("paid"), 101));
        assert_eq!(kristal.balance().await.0, 5051);
    }
}
