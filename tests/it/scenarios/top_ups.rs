//! A partner's balance is topped up through a provider, whatever the provider answers or fails to
//! answer (BAL-5).

use chrono::TimeDelta;
use entity::payment::Driver;
use serde_json::{Value, json};

use crate::support::fakes::Payriff;
use crate::support::fakes::{Epoint, signed};
use crate::support::pay::{
    account, asks_back, calls, id, outcomes, payments, postings, sees, state, tops_up,
};
use crate::support::{instant, minutes};
use fakes::Next;
use fakes::epoint::form;

both! {
    /// BAL-5: paid, called back, polled, credited once; further callbacks change nothing.
    async fn bal_5_a_top_up_is_credited_once(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut hears = kristal.follows().await;
        let begun = tops_up(&kristal, 2000).await;
        let payment = id(&begun);
        assert_eq!((begun.status, &begun.ok()["state"]), (201, &json!("created")));
        assert_eq!(begun.ok()["redirect_url"], "https://epoint.az/pay/te0000000001");
        assert_eq!(begun.at("expires_at"), instant("2026-11-21T08:00:00Z"));
        assert_eq!(bank.payment(&payment).amount, "20.00");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));

        bank.paid(&payment);
        let raw = bank.callback(&payment, "success", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        let told = hears.hears("balance.changed").await;
        assert_eq!((&told["data"]["kind"], &told["data"]["amount"]["amount"]), (&json!("top_up"), &json!(2000)));
        let told = hears.hears("payment.changed").await;
        assert_eq!(told["data"]["payment"]["state"], "paid");

        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "known");
        let other = bank.callback(&payment, "success", "20.0");
        let (one, two) = tokio::join!(calls(world, "epoint", &other), calls(world, "epoint", &raw));
        assert_eq!((&one.ok(200)["outcome"], &two.ok(200)["outcome"]), (&json!("known"), &json!("known")));
        world.advance(TimeDelta::hours(30)).await;
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        let partner = format!("partner:{}", kristal.partner_id);
        let credit = ("top_up".to_owned(), "gateway:epoint".to_owned(), partner, 2000);
        assert_eq!(postings(world, &payment).await, [credit]);
        let seen = sees(&kristal, &payment).await;
        assert_eq!((&seen["state"], &seen["paid_at"]), (&json!("paid"), &json!("2026-11-20T08:00:00Z")));
        let lines = kristal.get("/v1/partner/statement").await;
        assert_eq!(lines.ok()["items"][0]["kind"], "top_up");
    }

    /// BAL-5: two concurrent callbacks credit once.
    async fn bal_5_callbacks_at_once_credit_once(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.paid(&payment);
        let raw = [
            bank.callback(&payment, "success", "20.00"),
            bank.callback(&payment, "success", "20.0"),
            bank.callback(&payment, "success", "20"),
        ];
        let (one, two, three) = tokio::join!(
            calls(world, "epoint", &raw[0]),
            calls(world, "epoint", &raw[1]),
            calls(world, "epoint", &raw[2]),
        );
        let said: Vec<Value> =
            [one, two, three].iter().map(|a| a.ok(200)["outcome"].clone()).collect();
        assert_eq!(said.iter().filter(|outcome| *outcome == "credited").count(), 1, "{said:?}");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
    }

    /// BAL-5: invalid amounts open nothing, at the provider or here.
    async fn bal_5_amounts_that_make_no_sense(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let before = payments(world).await;
        tops_up(&kristal, 0).await.refused("amount_invalid");
        tops_up(&kristal, -1).await.refused("amount_invalid");
        let bounds = tops_up(&kristal, 499).await;
        assert_eq!(bounds.refused("topup_out_of_bounds")["min"]["amount"], 500);
        assert_eq!(tops_up(&kristal, 500_001).await.refused("topup_out_of_bounds")["max"]["amount"], 500_000);
        tops_up(&kristal, 1_000_000_001).await.refused("malformed");
        tops_up(&kristal, i64::MAX).await.refused("malformed");
        for amount in [
            json!({"amount": 2000, "currency": "USD"}),
            json!(20.5),
            json!("2000"),
            json!(9_223_372_036_854_775_808_u64),
            json!(null),
        ] {
            let body = json!({"amount": amount});
            kristal.post("/v1/partner/top-ups", body).await.refused("malformed");
        }
        assert_eq!((bank.times("/request"), payments(world).await), (0, before));
        tops_up(&kristal, 500).await.ok();
        tops_up(&kristal, 500_000).await.ok();
    }

    /// BAL-5: false callbacks move nothing, are answered clearly and leave a record each.
    async fn bal_5_callbacks_that_lie_move_nothing(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        let honest = bank.callback(&payment, "success", "20.00");
        let data = honest.split('&').next().unwrap().strip_prefix("data=").unwrap().to_owned();
        let forged = form(&data.replace("%3D", "="), "TnBTVuxX4hEQqo0l7ttSqhpgJ+c=");
        calls(world, "epoint", &forged).await.problem(403, "callback_forged");
        // Tampered: another amount under the signature of the first.
        let tampered = honest.replacen("data=", "data=AA", 1);
        calls(world, "epoint", &tampered).await.problem(403, "callback_forged");
        calls(world, "epoint", "nonsense").await.problem(400, "callback_unreadable");
        calls(world, "epoint", &signed(&json!({"status": "success"}))).await
            .problem(400, "callback_unreadable");
        let nobodys = signed(&json!({"order_id": kristal.partner_id, "status": "success"}));
        calls(world, "epoint", &nobodys).await.problem(404, "no_such_payment");
        calls(world, "payriff", "{}").await.problem(409, "no_payment_provider");
        // The callback claims success; the provider, when polled, says it is not paid yet.
        assert_eq!(calls(world, "epoint", &honest).await.ok(200)["outcome"], "pending");
        assert_eq!(state(&kristal, &payment).await, "created");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        let lines = ["forged", "forged", "no_such_payment", "pending", "unreadable", "unreadable"];
        assert_eq!(outcomes(world).await, lines);
        // The same callback counts once it is true.
        bank.paid(&payment);
        assert_eq!(calls(world, "epoint", &honest).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
    }

    /// BAL-5: an amount other than the requested one is not booked; support is notified.
    async fn bal_5_another_amount_is_not_booked(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.paid(&payment);
        bank.with(|bank| "2000.00".clone_into(&mut bank.payments.get_mut(&payment).unwrap().amount));
        let raw = bank.callback(&payment, "success", "2000.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "amount_wrong");
        let told = queue.hears("support.payment_amount_wrong").await;
        assert_eq!(told["data"]["reason"], "The provider says 2000.00 AZN was paid");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        assert_eq!(state(&kristal, &payment).await, "created");
        world.advance(TimeDelta::hours(25)).await;
        assert_eq!(state(&kristal, &payment).await, "expired", "whoever began it waits no longer");
        bank.with(|bank| "20.00".clone_into(&mut bank.payments.get_mut(&payment).unwrap().amount));
        let raw = bank.callback(&payment, "success", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
    }

    /// BAL-5: without a callback the provider is polled after 15 minutes, then hourly; after 24
    /// hours polling stops, and a later callback still counts.
    async fn bal_5_what_never_called_back_is_looked_at(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let (one, two) = (id(&tops_up(&kristal, 2000).await), id(&tops_up(&kristal, 3000).await));
        world.advance(minutes(14)).await;
        assert_eq!(bank.times("/get-status"), 0);
        bank.paid(&one);
        world.advance(minutes(2)).await;
        assert_eq!(state(&kristal, &one).await, "paid");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        assert_eq!(bank.times("/get-status"), 2);
        world.advance(minutes(60)).await;
        let looks = bank.times("/get-status");
        assert_eq!(looks, 5, "each quarter of the first hour");
        bank.next("/get-status", Next::Hang);
        bank.next("/get-status", Next::Break);
        bank.next("/get-status", Next::Busy);
        world.advance(TimeDelta::hours(22)).await;
        assert_eq!(bank.times("/get-status"), looks + 22, "then each hour");
        assert_eq!(state(&kristal, &two).await, "created");
        world.advance(minutes(60)).await;
        assert_eq!(state(&kristal, &two).await, "expired");
        world.advance(TimeDelta::hours(10)).await;
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        bank.paid(&two);
        let raw = bank.callback(&two, "success", "30.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (10_000, 0, 10_000));
    }

    /// BAL-5: an unknown status books nothing and is reported to support, once.
    async fn bal_5_a_status_nobody_knows(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let mut queue = world.support().watches("money").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.stands(&payment, "settled");
        let raw = bank.callback(&payment, "success", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "unclear");
        world.advance(minutes(50)).await;
        let told = queue.hears("support.payment_unclear").await;
        assert_eq!(told["data"]["reason"], "The provider says status settled");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        bank.stands(&payment, "failed");
        world.advance(minutes(60)).await;
        assert_eq!(state(&kristal, &payment).await, "failed");
        // The first card was refused, the second was not.
        bank.paid(&payment);
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
    }

    /// BAL-5: after a refused card the payment is polled on: the second card's callback is lost.
    async fn bal_5_a_second_card_nobody_told_of_is_found(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        bank.stands(&payment, "failed");
        let raw = bank.callback(&payment, "failed", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "failed");
        assert_eq!(state(&kristal, &payment).await, "failed");
        bank.paid(&payment);
        world.advance(minutes(16)).await;
        assert_eq!((state(&kristal, &payment).await, kristal.balance().await.0), ("paid".to_owned(), 7000));
        // A payment that is never paid is polled for 24 hours and then no more.
        let other = id(&tops_up(&kristal, 3000).await);
        bank.stands(&other, "failed");
        world.advance(TimeDelta::hours(25)).await;
        let looks = bank.times("/get-status");
        world.advance(TimeDelta::hours(25)).await;
        // Both are compared with the provider once a day.
        assert_eq!((bank.times("/get-status"), state(&kristal, &other).await), (looks + 2, "failed".to_owned()));
    }

    /// BAL-5, ORD-4: a repeat is the same payment, even if the provider acted and its answer was
    /// lost.
    async fn bal_5_a_repeat_opens_no_second_payment(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let before = payments(world).await;
        let asks = || {
            let ask = kristal.ask("POST", "/v1/partner/top-ups").key("the-same");
            ask.body(json!({"amount": 2000})).send()
        };
        bank.next("/request", Next::ActAndHang);
        let lost = asks().await;
        assert_eq!((lost.status, &lost.json["code"]), (503, &json!("provider_unreachable")));
        let found = asks().await;
        assert_eq!((found.status, found.replayed), (201, true));
        assert_eq!(found.ok()["redirect_url"], "https://epoint.az/pay/te0000000001");
        let again = asks().await;
        assert_eq!(id(&again), id(&found));
        assert_eq!((bank.times("/request"), payments(world).await), (2, before + 1));
        assert_eq!(bank.with(|bank| bank.payments.len()), 1);
        bank.paid(&id(&found));
        world.advance(minutes(16)).await;
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        assert_eq!(asks().await.ok()["state"], "paid");
    }

    /// BAL-5: Payriff is looked up by our own id before anything is repeated; its callbacks are
    /// unsigned and only trigger a poll.
    async fn bal_5_payriff_is_looked_up_before_it_is_asked_again(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let asks = || {
            let ask = kristal.ask("POST", "/v1/partner/top-ups").key("the-same");
            ask.body(json!({"amount": 2000})).send()
        };
        bank.next("/orders", Next::ActAndHang);
        assert_eq!(asks().await.json["code"], "provider_unreachable");
        let found = asks().await;
        let payment = id(&found);
        assert_eq!(found.ok()["redirect_url"], Value::Null, "the page is not told twice");
        assert_eq!((bank.times("/orders"), bank.asked("/orders")[0].own_name.clone()), (1, Some(payment.clone())));
        let another = json!({"amount": 2000, "confirm": true});
        let fresh = kristal.post("/v1/partner/top-ups", another).await;
        assert_eq!(fresh.ok()["redirect_url"], "https://pay.payriff.com/ORDER2");
        let fresh = id(&fresh);
        // Anybody may send a callback that claims approval.
        let lie = bank.callback(&fresh, "APPROVED");
        assert_eq!(calls(world, "payriff", &lie).await.ok(200)["outcome"], "pending");
        calls(world, "payriff", r#"{"payload": {"orderId": "ORDER9"}}"#).await
            .problem(404, "no_such_payment");
        calls(world, "payriff", "[]").await.problem(400, "callback_unreadable");
        bank.stands(&fresh, "APPROVED");
        let name = bank.name_of(&fresh);
        bank.with(|bank| "USD".clone_into(&mut bank.orders.get_mut(&name).unwrap().currency));
        assert_eq!(calls(world, "payriff", &lie).await.ok(200)["outcome"], "unclear");
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
        bank.with(|bank| "AZN".clone_into(&mut bank.orders.get_mut(&name).unwrap().currency));
        assert_eq!(calls(world, "payriff", &lie).await.ok(200)["outcome"], "credited");
        assert_eq!(calls(world, "payriff", &lie).await.ok(200)["outcome"], "known");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        assert_eq!(account(world, "gateway:payriff").await, -2000);
        bank.stands(&payment, "CANCELED");
        world.advance(minutes(16)).await;
        assert_eq!(state(&kristal, &payment).await, "failed");
    }

    /// BAL-5: a payment stays with the provider it began with, whichever takes new payments
    /// meanwhile.
    async fn bal_5_an_older_payment_ends_with_its_own_provider(world) {
        let bank = Epoint::serves(world).await;
        let kristal = world.branch("Kristal").await;
        let payment = id(&tops_up(&kristal, 2000).await);
        world.restarts_with(|settings| settings.payments.driver = Driver::Manual).await;
        tops_up(&kristal, 2000).await.refused("no_payment_provider");
        bank.paid(&payment);
        let raw = bank.callback(&payment, "success", "20.00");
        assert_eq!(calls(world, "epoint", &raw).await.ok(200)["outcome"], "credited");
        assert_eq!(kristal.balance().await, (7000, 0, 7000));
        assert_eq!(asks_back(&kristal, &payment).await.ok()["state"], "refunding");
        world.advance(minutes(1)).await;
        assert_eq!(state(&kristal, &payment).await, "refunded");
    }

    /// BAL-5: a refusal with HTTP 200, a strange code, and unknown keys: nothing is opened, and
    /// each has its own code.
    async fn bal_5_what_a_provider_may_say_instead_of_a_page(world) {
        let bank = Payriff::serves(world).await;
        let kristal = world.branch("Kristal").await;
        bank.next("/orders", Next::Say(json!({"code": "15400", "message": "No", "payload": null})));
        let refused = tops_up(&kristal, 2000).await;
        refused.refused("provider_refused");
        let list = kristal.get("/v1/partner/top-ups").await;
        assert_eq!(list.ok()["items"][0]["state"], "failed");
        bank.next("/orders", Next::Say(json!({"code": "77777", "message": "?", "payload": null})));
        let unclear = tops_up(&kristal, 2000).await;
        assert_eq!((unclear.status, &unclear.json["code"]), (503, &json!("provider_unclear")));
        bank.next("/orders", Next::Say(json!({"code": "14010", "message": "Who?", "payload": null})));
        assert_eq!(tops_up(&kristal, 2000).await.json["code"], "provider_unreachable");
        bank.next("/orders", Next::Break);
        assert_eq!(tops_up(&kristal, 2000).await.json["code"], "provider_unreachable");
        assert_eq!(bank.with(|bank| bank.orders.len()), 0);
        world.advance(TimeDelta::hours(25)).await;
        assert_eq!(kristal.balance().await, (5000, 0, 5000));
    }

    /// BAL-5: without a provider support records payments by hand; they are listed the same way.
    async fn bal_5_support_records_what_comes_by_hand(world) {
        let kristal = world.branch("Kristal").await;
        tops_up(&kristal, 2000).await.refused("no_payment_provider");
        let list = kristal.get("/v1/partner/top-ups").await;
        let items = list.ok()["items"].as_array().unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!((&items[0]["driver"], &items[0]["state"]), (&json!("manual"), &json!("paid")));
        assert_eq!(items[0]["note"], "Top-up (Cash at the office)");
        let leyla = world.branch("Leyla").await;
        let payment = items[0]["id"].as_str().unwrap();
        let path = format!("/v1/partner/top-ups/{payment}");
        leyla.get(&path).await.refused("no_such_payment");
    }
}
