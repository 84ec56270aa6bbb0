//! Invalid requests: each gets a problem with its own code, and nothing changes.

use serde_json::{Value, json};
use uuid::Uuid;

use super::raw::Raw;
use super::rows;
use crate::support::{Branch, Client, Order, Person, World};

/// A request, and the status and code of its refusal.
pub type Bad<'p> = (Raw<'p>, u16, &'static str);

/// Sends them one after another: each gets its refusal, and nothing has changed.
pub async fn refused(world: &World, bad: Vec<Bad<'_>>) {
    let before = rows::written(world).await;
    for (request, status, code) in bad {
        let answer = request.send().await;
        answer.problem(status, code);
        rows::unchanged(world, &before, &answer.what).await;
    }
}

/// A command with this body.
pub fn does<'p>(person: &'p Person, route: &str, body: impl Into<Value>) -> Raw<'p> {
    let (method, path) = route.split_once(' ').unwrap();
    Raw::command(person, method, path).json(&body.into())
}

async fn cast(world: &World) -> (Branch, Client, Order) {
    let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
    let order = anar.orders(&kristal).await;
    (kristal, anar, order)
}

const CARS: &str = "POST /v1/client/cars";

fn car(plate: &str, make: &str) -> Value {
    json!({"plate": plate, "make": make, "class": "suv"})
}

both! {
    /// ORD-4 and the wire conventions: a body is parsed strictly or refused.
    async fn a_body_that_cannot_be_read_does_nothing(world) {
        let (kristal, anar, order) = cast(world).await;
        let cars = || Raw::command(&anar, "POST", "/v1/client/cars");
        let good = car("88-BB-888", "Lada Niva").to_string();
        let decline = format!("/v1/partner/orders/{}/decline", order.id);
        let long = format!("{}{good}", " ".repeat(70 * 1024));
        let mut bad: Vec<Bad> = Vec::new();
        for body in [
            "",
            "{",
            "null",
            "7",
            "[]",
            "{}",
            "{\"plate\": }",
            &good[1..],
            &format!("{good}{good}"),
            &good.replace("suv", "tank"),
            &good.replace("\"suv\"", "null"),
            &good.replace("\"Lada Niva\"", "7"),
            &good.replace("\"plate\"", "\"PLATE\""),
            &good.replacen('{', "{\"owner\": \"me\",", 1),
            &good.replacen('{', "{\"plate\": \"x\",", 1),
            &"[".repeat(10_000),
        ] {
            bad.push((cars().bytes(body), 400, "malformed"));
        }
        bad.push((cars().bytes(b"{\"plate\": \"\xff\xfe\"}".to_vec()), 400, "malformed"));
        bad.push((cars().bytes(long.clone()), 413, "too_large"));
        bad.push((Raw::of(&anar, "POST", "/v1/auth/tickets").bytes(long), 413, "too_large"));
        let declines = || Raw::command(&kristal, "POST", &decline);
        bad.push((declines().bytes("{\"reason\": 5}"), 400, "malformed"));
        bad.push((declines(), 400, "malformed"));
        let admit = format!("POST /v1/partner/orders/{}/admit", order.id);
        bad.push((does(&kristal, &admit, json!({"force": true})), 400, "malformed"));
        refused(world, bad).await;
        kristal.declines(&order).await.ok();
    }

    /// ORD-4: a command without a valid key is refused.
    async fn a_command_needs_a_key(world) {
        let (kristal, anar, order) = cast(world).await;
        let accept = format!("/v1/partner/orders/{}/accept", order.id);
        let body = car("88-BB-888", "Lada Niva");
        let mut bad: Vec<Bad> = Vec::new();
        let (long, code) = ("k".repeat(65), "idempotency_key_required");
        for key in ["", " ", "two words", "tab\there", &long, "ключ"] {
            let keyed = Raw::of(&anar, "POST", "/v1/client/cars").json(&body);
            bad.push((keyed.key(key), 400, code));
            let keyed = Raw::of(&kristal, "POST", &accept).json(&json!({})).seen(1);
            bad.push((keyed.key(key), 400, code));
        }
        bad.push((Raw::of(&anar, "POST", "/v1/client/cars").json(&body), 400, code));
        bad.push((Raw::of(&kristal, "POST", &accept).seen(1), 400, code));
        let remove = format!("/v1/client/cars/{}", anar.car_id);
        bad.push((Raw::of(&anar, "DELETE", &remove), 400, code));
        refused(world, bad).await;
        let longest = Raw::of(&anar, "POST", "/v1/client/cars").key(&long[1..]).json(&body);
        longest.send().await.ok(201);
        kristal.declines(&order).await.ok();
    }

    /// ACC-7, BAL-3, ARR-1: invalid numbers and texts are refused with their own codes.
    async fn numbers_out_of_range_do_nothing(world) {
        let (kristal, anar, order) = cast(world).await;
        let support = &world.support().0;
        let credits = format!("POST /v1/support/partners/{}/credits", kristal.partner_id);
        let positions = format!("POST /v1/client/orders/{}/positions", order.id);
        let mut bad: Vec<Bad> = Vec::new();
        for (plate, make) in
            [("", "Kia"), ("abc", "Kia"), ("1234567890123", "Kia"), ("88-BB-888", " ")]
        {
            bad.push((does(&anar, CARS, car(plate, make)), 422, "car_invalid"));
        }
        bad.push((does(&anar, CARS, car("88-BB-888", &"x".repeat(61))), 422, "car_invalid"));
        bad.push((
            does(&anar, "PUT /v1/client/profile", json!({"name": " "})),
            422,
            "name_invalid",
        ));
        for amount in [json!(0), json!(-1), json!({"amount": 0, "currency": "AZN"})] {
            bad.push((
                does(support, &credits, json!({"amount": amount, "reason": "x"})),
                422,
                "amount_invalid",
            ));
        }
        for amount in [
            json!(1_000_000_001),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1.5),
            json!("5"),
            json!({"amount": 5, "currency": "USD"}),
        ] {
            bad.push((
                does(support, &credits, json!({"amount": amount, "reason": "x"})),
                400,
                "malformed",
            ));
        }
        bad.push((
            does(support, &credits, json!({"amount": 5, "reason": " "})),
            422,
            "amount_invalid",
        ));
        for (lat, lon, accuracy) in
            [(91.0, 49.0, 5), (40.0, 181.0, 5), (40.0, 49.0, -1), (40.0, 49.0, 10_001)]
        {
            let body = json!({"lat": lat, "lon": lon, "accuracy_m": accuracy});
            bad.push((does(&anar, &positions, body), 422, "position_invalid"));
        }
        let body = json!({"lat": 40.0, "lon": 49.0, "accuracy_m": 1e12});
        bad.push((does(&anar, &positions, body), 400, "malformed"));
        refused(world, bad).await;
        kristal.declines(&order).await.ok();
    }

    /// PAN-3, PAN-4: invalid services, hours and staff of a branch are refused.
    async fn a_branch_that_makes_no_sense_stays_as_it_was(world) {
        let kristal = world.branch("Kristal").await;
        let mut bad: Vec<Bad> = Vec::new();
        for (price, minutes) in [(0, 30), (-5, 30), (100, 0), (100, 7), (100, -5), (100, 1_000_000)]
        {
            let prices = json!([{"class": "sedan", "price": price, "minutes": minutes}]);
            let body = json!({"code": "x", "name": "x", "prices": prices});
            bad.push((does(&kristal, "POST /v1/partner/services", body), 422, "service_invalid"));
        }
        for (weekday, opens, closes) in
            [(0, 0, 60), (8, 0, 60), (1, 60, 60), (1, -1, 60), (1, 0, 9000)]
        {
            let span = json!({"weekday": weekday, "opens_min": opens, "closes_min": closes});
            let body = json!({"weekly": [span]});
            bad.push((does(&kristal, "PUT /v1/partner/schedule", body), 422, "schedule_invalid"));
        }
        let body = json!({"arrival_buffer_min": 9});
        bad.push((does(&kristal, "PATCH /v1/partner/branch", body), 422, "branch_invalid"));
        let body = json!({"phone": "0501234567", "role": "viewer"});
        bad.push((does(&kristal, "POST /v1/partner/staff", body), 400, "malformed"));
        refused(world, bad).await;
    }

    /// The wire conventions: unreadable ids, pages and positions, and objects that do not exist.
    async fn what_is_not_there_is_not_found(world) {
        let (kristal, anar, order) = cast(world).await;
        let support = &world.support().0;
        let gone = Uuid::new_v4();
        let get = |person, path: &str| Raw::of(person, "GET", path);
        let mut bad: Vec<Bad> = Vec::new();
        for path in [
            "/v1/client/orders/zz",
            "/v1/client/orders/1",
            "/v1/client/partners/zz",
            "/v1/client/orders?limit=x",
            "/v1/client/orders?limit=-1",
            "/v1/client/orders?cursor=zz",
            "/v1/client/orders?open=perhaps",
            "/v1/client/partners",
            "/v1/client/partners?lat=x&lon=1",
            "/v1/client/partners?lat=NaN&lon=1",
            "/v1/client/partners?lat=91&lon=1",
            "/v1/client/partners?lat=1&lon=1&radius_m=4294967296",
            "/v1/client/partners?lat=1&lon=1&class=tank",
            "/v1/client/partners?lat=1&lon=1&near=me",
            "/v1/feed/events?after=-1",
            "/v1/feed/events?wait=31",
        ] {
            bad.push((get(&anar.person, path), 400, "malformed"));
        }
        for (person, path, code) in [
            (&anar.person, format!("/v1/client/orders/{gone}"), "no_such_order"),
            (&kristal.person, format!("/v1/partner/orders/{gone}"), "no_such_order"),
            (support, format!("/v1/support/orders/{gone}"), "no_such_order"),
            (&anar.person, format!("/v1/client/partners/{gone}"), "no_such_partner"),
            (support, format!("/v1/support/partners/{gone}"), "no_such_partner"),
            (&anar.person, "/v1/client/nothing".to_owned(), "not_found"),
            (&anar.person, "/v1/client/cars/".to_owned(), "not_found"),
            (&anar.person, "/nowhere".to_owned(), "not_found"),
        ] {
            bad.push((get(person, &path), 404, code));
        }
        let (car, bare) = (format!("DELETE /v1/client/cars/{gone}"), json!({}));
        bad.push((does(&anar, &car, bare.clone()), 404, "no_such_car"));
        bad.push((does(&anar, "DELETE /v1/client/cars/zz", bare.clone()), 400, "malformed"));
        bad.push((does(&anar, "PATCH /v1/client/cars", bare.clone()), 405, "method_not_allowed"));
        let service = format!("PATCH /v1/partner/services/{gone}");
        bad.push((does(&kristal, &service, bare.clone()), 404, "no_such_service"));
        let person = format!("DELETE /v1/partner/staff/{gone}");
        bad.push((does(&kristal, &person, bare.clone()), 404, "no_such_staff"));
        let credits = format!("POST /v1/support/partners/{gone}/credits");
        bad.push((
            does(support, &credits, json!({"amount": 5, "reason": "x"})),
            404,
            "no_such_partner",
        ));
        refused(world, bad).await;
        kristal.declines(&order).await.ok();
    }
}

both! {
    /// ACC-5, ORD-4: a text with U+0000, which PostgreSQL cannot store, is refused on every
    /// backend.
    async fn no_text_holds_a_nul(world) {
        let (kristal, anar, order) = cast(world).await;
        let support = &world.support().0;
        let credits = format!("POST /v1/support/partners/{}/credits", kristal.partner_id);
        let decline = format!("POST /v1/partner/orders/{}/decline", order.id);
        let prices = json!([{"class": "sedan", "price": 5, "minutes": 5}]);
        let service = json!({"code": "x", "name": "x\0", "prices": prices});
        let bad: Vec<Bad> = vec![
            (does(&anar, CARS, car("88-BB-888", "Ki\0a")), 400, "malformed"),
            (does(&anar, CARS, car("88-B\0-888", "Kia")), 400, "malformed"),
            (does(&anar, "PUT /v1/client/profile", json!({"name": "A\0"})), 400, "malformed"),
            (does(&kristal, "POST /v1/partner/services", service), 400, "malformed"),
            (does(&kristal, &decline, json!({"reason": "x\0"})), 400, "malformed"),
            (does(support, &credits, json!({"amount": 5, "reason": "x\0"})), 400, "malformed"),
            (
                does(support, "POST /v1/support/organisations", json!({"name": "\0"})),
                400,
                "malformed",
            ),
        ];
        refused(world, bad).await;
        does(&anar, CARS, car("88-BB-888", "Kia \\u0000")).send().await.ok(201);
        kristal.declines(&order).await.ok();
    }

    /// The wire conventions: a request that makes no sense is told which field is at fault.
    async fn a_business_without_a_name_is_told_which_field_that_is(world) {
        let support = &world.support().0;
        let nameless = does(support, "POST /v1/support/organisations", json!({"name": " "}));
        let answer = nameless.send().await;
        assert_eq!(answer.problem(422, "branch_invalid")["errors"][0]["pointer"], "/name");
    }
}
