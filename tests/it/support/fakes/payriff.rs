//! A bank of our own that speaks as Payriff v3 does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Asked, Fake, Speaks};
use crate::support::World;

const APP_KEY: &str = "an application key";

/// An order at the bank.
#[derive(Clone, Debug)]
pub struct Order {
    /// Our own name for it.
    pub rrn: String,
    /// AZN.
    pub amount: Value,
    /// `CREATED`, `APPROVED` …
    pub status: String,
    /// In which currency it was paid.
    pub currency: String,
    /// What went back, AZN.
    pub back: Vec<Value>,
}

/// A transfer to a partner's card.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// AZN.
    pub amount: Value,
    /// `IN_PROGRESS`, `SUCCESS`, `FAIL` …
    pub state: String,
    /// To which card.
    pub card: String,
}

/// The bank.
#[derive(Default)]
pub struct Bank {
    /// By the bank's name.
    pub orders: BTreeMap<String, Order>,
    /// By our own name.
    pub transfers: BTreeMap<String, Transfer>,
}

/// A running one.
pub type Payriff = Fake<Bank>;

impl Payriff {
    /// The world's payments go through it from now on.
    pub async fn serves(world: &mut World) -> Self {
        let fake = Self::listens(Bank::default());
        let url = fake.url.clone();
        world
            .restarts_with(|settings| {
                let payments = &mut settings.payments;
                payments.driver = entity::payment::Driver::Payriff;
                payments.timeout_s = 1;
                payments.payriff.base_url = url;
                APP_KEY.clone_into(&mut payments.payriff.app_key);
                "ES1000000".clone_into(&mut payments.payriff.merchant);
            })
            .await;
        fake
    }

    /// The bank's name for a payment of ours.
    pub fn name_of(&self, id: &str) -> String {
        self.with(|bank| {
            let found = bank.orders.iter().find(|(_, order)| order.rrn == id);
            found.map(|(name, _)| name.clone()).unwrap()
        })
    }

    /// A payment of ours comes to stand so.
    pub fn stands(&self, id: &str, status: &str) {
        let name = self.name_of(id);
        self.with(|bank| status.clone_into(&mut bank.orders.get_mut(&name).unwrap().status));
    }

    /// What the bank calls back with; it signs nothing.
    pub fn callback(&self, id: &str, status: &str) -> String {
        let payload = json!({"orderId": self.name_of(id), "paymentStatus": status, "amount": 20});
        json!({"code": "00000", "message": "OK", "payload": payload}).to_string()
    }
}

fn yes(payload: &Value) -> (u16, Value) {
    (
        200,
        json!({"code": "00000", "message": "Operation performed successfully", "payload": payload}),
    )
}

fn no(code: &str) -> (u16, Value) {
    (200, json!({"code": code, "message": "Said the bank", "payload": null}))
}

impl Speaks for Bank {
    fn acts(&mut self, asked: &Asked) -> (u16, Value) {
        if asked.authorization.as_deref() != Some(APP_KEY) {
            return no("14010");
        }
        let json: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        let parts: Vec<&str> = asked.path.split('/').skip(3).collect();
        match parts.as_slice() {
            ["orders"] => self.opens(asked.own_name.as_deref().unwrap(), &json),
            ["orders", rrn, "rrn"] => {
                let found = self.orders.iter().find(|(_, order)| order.rrn == *rrn);
                found.map_or_else(|| no("01000"), |(name, order)| yes(&told(name, order)))
            }
            ["orders", name] => {
                let found = self.orders.get(*name);
                found.map_or_else(|| no("01000"), |order| yes(&told(name, order)))
            }
            ["refund"] => self.refunds(&json),
            ["payout"] => self.transfers(&json),
            ["payout", "info", rrn] => {
                let found = self.transfers.get(*rrn);
                found.map_or_else(|| no("01000"), |one| yes(&json!({"state": one.state})))
            }
            other => panic!("Payriff has no {other:?}"),
        }
    }
}

fn told(name: &str, order: &Order) -> Value {
    json!({
        "orderId": name, "amount": order.amount, "currencyType": order.currency,
        "paymentStatus": order.status, "transactions": [{"requestRrn": order.rrn}],
    })
}

impl Bank {
    fn opens(&mut self, rrn: &str, json: &Value) -> (u16, Value) {
        assert_eq!((&json["currency"], &json["operation"]), (&json!("AZN"), &json!("PURCHASE")));
        let name = format!("ORDER{}", self.orders.len() + 1);
        let order = Order {
            rrn: rrn.to_owned(),
            amount: json["amount"].clone(),
            status: "CREATED".to_owned(),
            currency: "AZN".to_owned(),
            back: Vec::new(),
        };
        self.orders.insert(name.clone(), order);
        yes(&json!({"orderId": name, "paymentUrl": format!("https://pay.payriff.com/{name}")}))
    }

    fn transfers(&mut self, json: &Value) -> (u16, Value) {
        assert_eq!(json["merchant"], "ES1000000");
        let body = &json["body"];
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        assert_eq!((text("finCode").len(), text("voen").len()), (7, 10));
        let transfer = Transfer {
            amount: body["transferAmount"].clone(),
            state: "IN_PROGRESS".to_owned(),
            card: text("cardPan"),
        };
        assert!(self.transfers.insert(text("requestRrn"), transfer).is_none(), "paid out twice");
        yes(&json!({"state": "IN_PROGRESS"}))
    }

    fn refunds(&mut self, json: &Value) -> (u16, Value) {
        let order = self.orders.get_mut(json["orderId"].as_str().unwrap()).unwrap();
        if !["APPROVED", "PARTIAL_REFUND"].contains(&order.status.as_str()) {
            return no("01000");
        }
        order.back.push(json["amount"].clone());
        let whole = json["amount"] == order.amount;
        let status = if whole { "REFUNDED" } else { "PARTIAL_REFUND" };
        status.clone_into(&mut order.status);
        yes(&Value::Null)
    }
}
