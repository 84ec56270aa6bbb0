//! Orders that cannot be placed, seen or changed: each refusal, and nothing changes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::bad_input::{Bad, does, refused};
use super::raw::Raw;
use super::rows;
use crate::support::ask::money;
use crate::support::{Branch, Client};

const PLACE: &str = "POST /v1/client/orders";

fn wish(client: &Client, branch: &Branch, total: i64) -> Value {
    let mut wish = client.wish(branch, &["wash.body"]);
    wish["shown_total"] = json!(total);
    wish
}

fn with(wish: &Value, field: &str, value: Value) -> Value {
    let mut wish = wish.clone();
    wish[field] = value;
    wish
}

both! {
    /// QO-1, ORD-7: an invalid order request is refused with its own code.
    async fn a_wish_that_makes_no_sense_places_nothing(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        let anar = world.client("Anar").await;
        let good = wish(&anar, &kristal, 1500);
        let id = || json!(Uuid::new_v4());
        let body = json!(kristal.service("wash.body"));
        let many: Vec<Value> = (0..21).map(|_| id()).collect();
        let services = |ids: Value| does(&anar, PLACE, with(&good, "service_ids", ids));
        let mut bad: Vec<Bad> = vec![
            (services(json!([])), 422, "services_invalid"),
            (services(json!([id()])), 422, "service_unknown"),
            (services(json!([body, body])), 422, "services_invalid"),
            (services(json!([body, id()])), 422, "service_unknown"),
            (services(json!([mirror.service("wash.body")])), 422, "service_unknown"),
            (services(json!(many)), 422, "services_invalid"),
            (services(json!(["zz"])), 400, "malformed"),
            (services(json!("all")), 400, "malformed"),
        ];
        for (field, value, status, code) in [
            ("partner_id", id(), 404, "no_such_partner"),
            ("partner_id", json!("zz"), 400, "malformed"),
            ("car_id", id(), 404, "no_such_car"),
            ("kind", json!("booking"), 422, "start_invalid"),
            ("kind", json!("slow"), 400, "malformed"),
            ("origin", json!({"lat": 91, "lon": 0}), 400, "malformed"),
            ("origin", json!({"lat": 40}), 400, "malformed"),
            ("origin", Value::Null, 400, "malformed"),
            ("tip", json!(5), 400, "malformed"),
        ] {
            bad.push((does(&anar, PLACE, with(&good, field, value)), status, code));
        }
        refused(world, bad).await;
    }

    /// QO-1: a price that is not the one shown places nothing; the refusal gives the current one.
    async fn a_changed_price_is_shown_anew(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.reprices("wash.body", 1700, 30).await.ok();
        let before = rows::written(world).await;
        for shown in [json!(1500), json!(0), json!(-1700), json!(1701), Value::Null] {
            let body = with(&wish(&anar, &kristal, 0), "shown_total", shown);
            let answer = does(&anar, PLACE, body).send().await;
            let problem = answer.problem(409, "price_changed");
            assert_eq!(money(&problem["total"]), 1700);
            assert_eq!(problem["services"][0]["code"], "wash.body");
            rows::unchanged(world, &before, "a changed price").await;
        }
        does(&anar, PLACE, wish(&anar, &kristal, 1700)).send().await.ok(201);
    }

    /// PAR, BAL-3, QO-7: branch closed, balance too low, or the car is busy: nothing is placed.
    async fn an_order_that_cannot_be_taken_is_not_placed(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        let (poor, anar) = (world.branch_with("Poor", 0).await, world.client("Anar").await);
        poor.reprices("wash.body", 100_000, 30).await.ok();
        mirror.takes_orders(false).await.ok();
        let order = anar.orders(&kristal).await;
        let leyla = world.client("Leyla").await;
        let bad: Vec<Bad> = vec![
            (does(&leyla, PLACE, wish(&leyla, &mirror, 1500)), 409, "partner_not_taking"),
            (does(&leyla, PLACE, wish(&leyla, &poor, 100_000)), 409, "partner_cannot_take"),
            (does(&anar, PLACE, wish(&anar, &kristal, 1500)), 409, "car_busy"),
            (does(&anar, PLACE, wish(&anar, &mirror, 1500)), 409, "partner_not_taking"),
        ];
        refused(world, bad).await;
        let busy = does(&anar, PLACE, wish(&anar, &kristal, 1500)).send().await;
        assert_eq!(busy.problem(409, "car_busy")["order"]["id"], order.id);
        kristal.ask("PUT", "/v1/partner/schedule").body(json!({"weekly": []})).send().await.ok();
        refused(
            world,
            vec![(does(&leyla, PLACE, wish(&leyla, &kristal, 1500)), 409, "partner_not_taking")],
        )
        .await;
        kristal.declines(&order).await.ok();
    }

    /// ORD-3: a command that needs the version seen is refused without one or with an old one.
    async fn an_order_is_changed_only_by_who_saw_it(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let path = |verb: &str| format!("/v1/partner/orders/{}/{verb}", order.id);
        let adjust = format!("POST /v1/support/orders/{}/adjust", order.id);
        let amend = json!({"act": "amend", "reason": "x", "final_amount": 5});
        let support = &world.support().0;
        let calls = || {
            [
                does(&kristal, &format!("POST {}", path("accept")), json!({})),
                does(&kristal, &format!("PATCH {}", path("services")), json!({"service_ids": []})),
                does(
                    &kristal,
                    &format!("POST {}", path("complete")),
                    json!({"final_amount": 1500}),
                ),
                does(support, &adjust, amend.clone()),
            ]
        };
        let mut bad: Vec<Bad> = Vec::new();
        bad.extend(calls().map(|call| (call, 428, "precondition_required")));
        for tag in ["", "\"\"", "*", "\"one\"", "\"1.5\"", "\"1\", \"2\""] {
            bad.extend(calls().map(|call| (call.header("If-Match", tag), 400, "malformed")));
        }
        refused(world, bad).await;
        let before = rows::written(world).await;
        for seen in [0, 2, -1, i64::MAX] {
            let accept = does(&kristal, &format!("POST {}", path("accept")), json!({}));
            let answer = accept.seen(seen).send().await;
            let problem = answer.problem(412, "stale_version");
            assert_eq!(
                (&problem["order"]["id"], &problem["order"]["version"]),
                (&json!(order.id), &1.into())
            );
            rows::unchanged(world, &before, "an old version").await;
        }
        let weak = does(&kristal, &format!("POST {}", path("accept")), json!({}));
        let accepted = weak.header("If-Match", "W/\"1\"").send().await;
        accepted.ok(200);
        assert_eq!(accepted.header("etag"), Some("\"2\""));
        kristal.cancels(&order).await.ok();
    }

    /// ORD-2: another person's order is answered exactly like one that never existed.
    async fn anothers_order_is_not_there(world) {
        let (kristal, mirror) = (world.branch("Kristal").await, world.branch("Mirror").await);
        let (anar, leyla) = (world.client("Anar").await, world.client("Leyla").await);
        let order = anar.orders(&kristal).await;
        let gone = Uuid::new_v4().to_string();
        let client = ["depart", "contest", "cancel"].map(|verb| ("POST", verb, json!({})));
        let staff = ["accept", "extend", "admit", "no-show", "not-here"]
            .map(|verb| ("POST", verb, json!({})));
        let mut calls: Vec<(&crate::support::Person, &str, &str, &str, Value)> = Vec::new();
        calls.extend(
            client.into_iter().map(|(m, verb, body)| (&leyla.person, "client", m, verb, body)),
        );
        calls.extend(
            staff.into_iter().map(|(m, verb, body)| (&mirror.person, "partner", m, verb, body)),
        );
        for verb in ["decline", "cancel"] {
            calls.push((&mirror.person, "partner", "POST", verb, json!({"reason": "x"})));
        }
        calls.push((&mirror.person, "partner", "POST", "complete", json!({"final_amount": 5})));
        calls.push((&mirror.person, "partner", "PATCH", "services", json!({"service_ids": []})));
        calls.push((&leyla.person, "client", "POST", "arrive", json!({"code": "1234"})));
        let here = json!({"lat": 40.4, "lon": 49.8, "accuracy_m": 5});
        calls.push((&leyla.person, "client", "POST", "positions", here));
        for verb in ["", "cancellation-quote", "alternatives"] {
            calls.push((&leyla.person, "client", "GET", verb, json!({})));
        }
        calls.push((&mirror.person, "partner", "GET", "", json!({})));
        let before = rows::written(world).await;
        for (person, side, method, verb, body) in calls {
            let asks = async |id: &str| {
                let path = format!("/v1/{side}/orders/{id}/{verb}");
                let path = path.trim_end_matches('/');
                Raw::command(person, method, path).seen(1).json(&body).send().await
            };
            let (theirs, nobodys) = (asks(&order.id).await, asks(&gone).await);
            assert_eq!(theirs.problem(404, "no_such_order"), nobodys.problem(404, "no_such_order"));
            rows::unchanged(world, &before, &theirs.what).await;
        }
        kristal.declines(&order).await.ok();
    }

    /// ORD-3, ORD-8: reasons and amounts are validated, and an ended order stays ended.
    async fn an_order_that_is_over_stays_so(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let at = |verb: &str| format!("POST /v1/partner/orders/{}/{verb}", order.id);
        let long = "x".repeat(501);
        let mut bad: Vec<Bad> = Vec::new();
        for reason in ["", "  ", &long] {
            bad.push((
                does(&kristal, &at("decline"), json!({"reason": reason})),
                422,
                "reason_required",
            ));
        }
        refused(world, bad).await;
        kristal.declines(&order).await.status("cancelled");
        let mut bad: Vec<Bad> = Vec::new();
        for verb in ["decline", "cancel"] {
            bad.push((does(&kristal, &at(verb), json!({"reason": "x"})), 409, "order_closed"));
        }
        for verb in ["extend", "admit", "no-show", "not-here"] {
            bad.push((does(&kristal, &at(verb), json!({})), 409, "order_closed"));
        }
        bad.push((does(&kristal, &at("accept"), json!({})).seen(2), 409, "order_closed"));
        for verb in ["depart", "cancel", "contest"] {
            let path = format!("POST /v1/client/orders/{}/{verb}", order.id);
            bad.push((does(&anar, &path, json!({})), 409, "order_closed"));
        }
        refused(world, bad).await;
        let again = does(&kristal, &at("extend"), json!({})).send().await;
        assert_eq!(again.problem(409, "order_closed")["order"]["status"], "cancelled");
    }
}
