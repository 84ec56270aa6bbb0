//! The people of a fault test: branches with two staff each, clients with a car, support. They keep
//! their tokens over every restart.

use client::{Grant, open_session, request_code};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::server::{self, Server};
use crate::wire::{Request, Wire};

/// The price of an order in these tests, qəpik.
pub const PRICE: i64 = 1500;
/// Its commission: 9 %.
pub const COMMISSION: i64 = 135;
/// The price of an additional service, qəpik.
pub const EXTRA: i64 = 500;
const SUPPORT: &str = "+994500000001";
const BAKU: (f64, f64) = (40.3777, 49.8920);

/// A client and their car.
#[derive(Clone, Debug)]
pub struct Client {
    pub token: String,
    pub car: String,
    pub plate: String,
}

/// A branch and two of its staff.
#[derive(Clone, Debug)]
pub struct Branch {
    pub id: String,
    pub owner: String,
    pub operator: String,
    pub code: String,
    pub service: String,
    pub extra: String,
}

/// All people of a test.
pub struct City {
    pub support: String,
    pub branches: Vec<Branch>,
    pub clients: Vec<Client>,
}

impl City {
    /// Creates a city on a fresh database: this many branches, clients and credit per branch; its
    /// branches have no bays.
    pub async fn found(ground: &Ground, branches: usize, clients: usize, credit: i64) -> Self {
        Self::with_bays(ground, branches, clients, credit, 0).await
    }

    /// The same, with this many bays in each branch.
    pub async fn with_bays(
        ground: &Ground,
        branches: usize,
        clients: usize,
        credit: i64,
        bays: usize,
    ) -> Self {
        let added = server::run(ground, &["support", "add", "--phone", SUPPORT]);
        assert!(added.status.success(), "{added:?}");
        nobody_is_sanctioned(ground).await;
        let server = Server::start(ground).await;
        let support = sign_in(&server, SUPPORT).await;
        let found = (0..branches).map(|n| branch(&server, &support, n, credit));
        let branches = join_all(found).await;
        for branch in &branches {
            for n in 0..bays {
                let bay = json!({"name": format!("Bay {n}"), "kind": "wash"});
                let bay = Request::post("/v1/partner/bays", &bay);
                server.wire.sure(&branch.owner, &bay).await.yes();
            }
        }
        let clients = join_all((0..clients).map(|n| client(&server, n))).await;
        server.stop().await;
        Self { support, branches, clients }
    }
}

impl City {
    /// Support grants each branch three lots of bonus that live for a day: commissions are held
    /// from them first, until they are used up in the middle of the test (COM-3, BON-2).
    pub async fn gives_bonus(&self, ground: &Ground, amount: i64) {
        let server = Server::start(ground).await;
        for branch in &self.branches {
            for part in [amount, amount / 7, amount / 3] {
                let body = json!({
                    "partner_id": branch.id, "amount": part, "ttl_h": 24, "reason": "bayram",
                });
                server
                    .wire
                    .sure(&self.support, &Request::post("/v1/support/bonuses", &body))
                    .await
                    .yes();
            }
        }
        server.stop().await;
    }
}

/// Publishes a policy without sanctions: these people place and cancel at random, far more than the
/// default limits allow.
async fn nobody_is_sanctioned(ground: &Ground) {
    let policy = "[client]\nban_count = 10000\nopen_orders_max = 1000\npending_max = 1000\n\
                  pair_open_max = 1000\nplacings_per_h = 80000\nwithdrawn_max = 10000\n\
                  [partner]\nwarn_count = 9998\nvisibility_count = 9999\nblock_count = 10000\n\
                  [arrival]\nping_gap_s = 1\n\
                  [order]\nacts_per_min = 10000\n\
                  [support]\nowner_act_max = 1000000000\nowner_day_max = 1000000000\n";
    let sql = format!("UPDATE policy_version SET body = '{policy}'");
    let done = ground.db().await.write.execute_unprepared(&sql).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

impl Client {
    /// The body of placing an order here, from 55 m away: a position at the branch is within reach
    /// at once (LIM-3).
    pub fn wish(&self, branch: &Branch) -> Value {
        json!({
            "kind": "quick", "partner_id": branch.id, "car_id": self.car,
            "service_ids": [branch.service], "origin": point(0.0005), "shown_total": PRICE,
        })
    }

    /// Places an order; returns its id.
    pub async fn places(&self, wire: &Wire, branch: &Branch) -> String {
        let order = Request::post("/v1/client/orders", &self.wish(branch));
        let order = wire.sure(&self.token, &order).await.yes();
        order["id"].as_str().unwrap().to_owned()
    }
}

impl Branch {
    /// The branch's balance.
    pub async fn balance(&self, wire: &Wire) -> Value {
        wire.sure(&self.owner, &Request::get("/v1/partner/balance")).await.yes()
    }
}

/// A client's command on an order.
pub fn as_client(order: &str, act: &str, body: &Value) -> Request {
    Request::post(format!("/v1/client/orders/{order}/{act}"), body)
}

/// A staff command on an order.
pub fn as_staff(order: &str, act: &str, body: &Value) -> Request {
    Request::post(format!("/v1/partner/orders/{order}/{act}"), body)
}

/// A position near the branches with some random error: another fix each time (LIM-3).
pub fn at_gate(dice: &mut impl rand::Rng) -> Value {
    let north = point(dice.random_range(0.0..0.0005));
    json!({"lat": north["lat"], "lon": north["lon"], "accuracy_m": 10})
}

/// A point this many degrees north of every branch.
pub fn point(north: f64) -> Value {
    json!({"lat": BAKU.0 + north, "lon": BAKU.1})
}

async fn sign_in(server: &Server, phone: &str) -> String {
    server.wire.sure("", &request_code(phone)).await.yes();
    let code = server.code(phone).await;
    let opened = server.wire.sure("", &open_session(phone, &code, "a phone")).await.yes();
    let grant: Grant = serde_json::from_value(opened).unwrap();
    grant.access_token
}

fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

async fn branch(server: &Server, support: &str, n: usize, credit: i64) -> Branch {
    let wire = &server.wire;
    let (owner, operator) = (format!("+99450100{n:04}"), format!("+99450200{n:04}"));
    let body = json!({
        "name": format!("Kristal {n}"), "address": format!("Nizami {n}"), "point": point(0.0),
        "zone": "Asia/Baku", "owner_phone": owner,
    });
    let id = id_of(&wire.sure(support, &Request::post("/v1/support/partners", &body)).await.yes());
    let owner = sign_in(server, &owner).await;
    let does = async |ask: Request| wire.sure(&owner, &ask).await.yes();
    let service = |code: &str, price: i64| {
        let prices = [json!({"class": "sedan", "price": price, "minutes": 30})];
        let body = json!({"code": code, "name": code, "prices": prices, "active": true});
        Request::post("/v1/partner/services", &body)
    };
    let full = id_of(&does(service("wash.full", PRICE)).await);
    let extra = id_of(&does(service("wax.body", EXTRA)).await);
    let day = |weekday: u8| json!({"weekday": weekday, "opens_min": 0, "closes_min": 1440});
    let weekly: Vec<Value> = (1..=7).map(day).collect();
    does(Request::put("/v1/partner/schedule", &json!({"weekly": weekly}))).await;
    let manager = json!({"phone": operator, "role": "manager"});
    let invited = id_of(&does(Request::post("/v1/partner/staff", &manager)).await);
    let operator = sign_in(server, &operator).await;
    let accept = Request::post(format!("/v1/auth/invitations/{invited}/accept"), &json!({}));
    wire.sure(&operator, &accept).await.yes();
    let money = json!({"amount": credit, "reason": "kassa"});
    let money = Request::post(format!("/v1/support/partners/{id}/credits"), &money);
    wire.sure(support, &money).await.yes();
    let view = does(Request::get("/v1/partner/branch")).await;
    let code = view["arrival_code"].as_str().unwrap().to_owned();
    Branch { id, owner, operator, code, service: full, extra }
}

async fn client(server: &Server, n: usize) -> Client {
    let token = sign_in(server, &format!("+99455{n:07}")).await;
    let plate = format!("10-AA-{n:03}");
    let car = json!({"plate": plate, "make": "Kia Rio", "class": "sedan"});
    let car = server.wire.sure(&token, &Request::post("/v1/client/cars", &car)).await.yes();
    Client { token, car: id_of(&car), plate }
}
