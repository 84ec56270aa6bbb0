//! A fake of the payment provider Payriff, version 3.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Breach, FakeProvider, Protocol, RecordedRequest};

/// A running fake of Payriff.
pub type Payriff = FakeProvider<Provider>;

/// A payment order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The merchant's id of the order.
    pub rrn: String,
    /// The amount, AZN.
    pub amount: Value,
    /// `CREATED`, `APPROVED` …
    pub status: String,
    /// The currency it was paid in.
    pub currency: String,
    /// The amounts refunded or charged back, AZN.
    pub back: Vec<Value>,
}

/// A transfer to a partner's card.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The amount, AZN.
    pub amount: Value,
    /// `IN_PROGRESS`, `SUCCESS`, `FAIL` …
    pub state: String,
    /// The recipient's card.
    pub card: String,
}

/// The fake's state.
pub struct Provider {
    /// Orders by the provider's id.
    pub orders: BTreeMap<String, Order>,
    /// Transfers by the merchant's id.
    pub transfers: BTreeMap<String, Transfer>,
    app_key: String,
    merchant: String,
}

impl Provider {
    /// The state for a merchant, with the key of its application.
    #[must_use]
    pub fn of(merchant: &str, app_key: &str) -> Self {
        Self {
            orders: BTreeMap::new(),
            transfers: BTreeMap::new(),
            app_key: app_key.to_owned(),
            merchant: merchant.to_owned(),
        }
    }

    /// Charges an order back without the merchant's consent; false when there is nothing to charge
    /// back.
    pub fn charges_back(&mut self, rrn: &str) -> bool {
        let mut orders = self.orders.values_mut();
        let paid = orders.find(|order| order.rrn == rrn && order.status == "APPROVED");
        paid.is_some_and(|order| {
            "REVERSE".clone_into(&mut order.status);
            true
        })
    }

    /// The provider's id of a payment of the merchant.
    #[must_use]
    pub fn name_of(&self, rrn: &str) -> Option<String> {
        let found = self.orders.iter().find(|(_, order)| order.rrn == rrn);
        found.map(|(name, _)| name.clone())
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

impl Protocol for Provider {
    fn handle(&mut self, request: &RecordedRequest) -> Result<(u16, Value), Breach> {
        if request.authorization.as_deref() != Some(&self.app_key) {
            return Ok(no("14010"));
        }
        let json: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let parts: Vec<&str> = request.path.split('/').skip(3).collect();
        match parts.as_slice() {
            ["orders"] => self.opens(request.own_name.as_deref(), &json),
            ["orders", rrn, "rrn"] => {
                let found = self.orders.iter().find(|(_, order)| order.rrn == *rrn);
                Ok(found.map_or_else(|| no("01000"), |(name, order)| yes(&told(name, order))))
            }
            ["orders", name] => {
                let found = self.orders.get(*name);
                Ok(found.map_or_else(|| no("01000"), |order| yes(&told(name, order))))
            }
            ["refund"] => self.refunds(&json),
            ["payout"] => self.transfers(&json),
            ["payout", "info", rrn] => {
                let found = self.transfers.get(*rrn);
                Ok(found.map_or_else(|| no("01000"), |one| yes(&json!({"state": one.state}))))
            }
            _ => Err(Breach::because("there is no such call")),
        }
    }
}

fn told(name: &str, order: &Order) -> Value {
    json!({
        "orderId": name, "amount": order.amount, "currencyType": order.currency,
        "paymentStatus": order.status, "transactions": [{"requestRrn": order.rrn}],
    })
}

fn text(json: &Value, field: &str) -> Result<String, Breach> {
    let found = json[field].as_str().map(ToOwned::to_owned);
    found.ok_or_else(|| Breach::because(format!("no {field}")))
}

fn must(holds: bool, why: &str) -> Result<(), Breach> {
    if holds { Ok(()) } else { Err(Breach::because(why)) }
}

impl Provider {
    fn opens(&mut self, rrn: Option<&str>, json: &Value) -> Result<(u16, Value), Breach> {
        let rrn = rrn.ok_or_else(|| Breach::because("no X-REQUEST-RRN"))?;
        must(json["currency"] == "AZN", "the currency is not AZN")?;
        must(json["operation"] == "PURCHASE", "the operation is not PURCHASE")?;
        let name = format!("ORDER{}", self.orders.len() + 1);
        let order = Order {
            rrn: rrn.to_owned(),
            amount: json["amount"].clone(),
            status: "CREATED".to_owned(),
            currency: "AZN".to_owned(),
            back: Vec::new(),
        };
        self.orders.insert(name.clone(), order);
        let page = format!("https://pay.payriff.com/{name}");
        Ok(yes(&json!({"orderId": name, "paymentUrl": page})))
    }

    fn transfers(&mut self, json: &Value) -> Result<(u16, Value), Breach> {
        must(json["merchant"] == self.merchant.as_str(), "another merchant")?;
        let body = &json["body"];
        must(text(body, "finCode")?.len() == 7, "a FIN has seven characters")?;
        must(text(body, "voen")?.len() == 10, "a VÖEN has ten digits")?;
        let transfer = Transfer {
            amount: body["transferAmount"].clone(),
            state: "IN_PROGRESS".to_owned(),
            card: text(body, "cardPan")?,
        };
        let before = self.transfers.insert(text(body, "requestRrn")?, transfer);
        must(before.is_none(), "paid out twice")?;
        Ok(yes(&json!({"state": "IN_PROGRESS"})))
    }

    fn refunds(&mut self, json: &Value) -> Result<(u16, Value), Breach> {
        let found = self.orders.get_mut(&text(json, "orderId")?);
        let order = found.ok_or_else(|| Breach::because("there is no such order"))?;
        if !["APPROVED", "PARTIAL_REFUND"].contains(&order.status.as_str()) {
            return Ok(no("01000"));
        }
        order.back.push(json["amount"].clone());
        let whole = json["amount"] == order.amount;
        let status = if whole { "REFUNDED" } else { "PARTIAL_REFUND" };
        status.clone_into(&mut order.status);
        Ok(yes(&Value::Null))
    }
}
