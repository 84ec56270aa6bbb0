//! A bank of our own that speaks as Epoint does.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::{Asked, Fake, Speaks};
use crate::support::World;

/// The merchant's keys.
pub const PUBLIC_KEY: &str = "i000000001";
const PRIVATE_KEY: &str = "d3hjsl59vs0kzp";

/// A payment at the bank.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The bank's name for it.
    pub transaction: String,
    /// As text, AZN.
    pub amount: String,
    /// `new`, `success`, `failed`, `returned` …
    pub status: String,
    /// What went back, AZN.
    pub back: Vec<String>,
}

/// A transfer to a partner.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// As text, AZN.
    pub amount: String,
    /// `PENDING`, `SUCCESS`, `FAILED`.
    pub status: String,
    /// To which account.
    pub iban: String,
    /// Under which tax number.
    pub tin: String,
}

/// The bank.
#[derive(Default)]
pub struct Bank {
    /// By our own name.
    pub payments: BTreeMap<String, Payment>,
    /// By our own name.
    pub transfers: BTreeMap<String, Transfer>,
}

/// A running one.
pub type Epoint = Fake<Bank>;

impl Epoint {
    /// The world's payments go through it from now on.
    pub async fn serves(world: &mut World) -> Self {
        let fake = Self::listens(Bank::default());
        let url = fake.url.clone();
        world
            .restarts_with(|settings| {
                let payments = &mut settings.payments;
                payments.driver = entity::payment::Driver::Epoint;
                payments.timeout_s = 1;
                payments.epoint.base_url = url;
                PUBLIC_KEY.clone_into(&mut payments.epoint.public_key);
                PRIVATE_KEY.clone_into(&mut payments.epoint.private_key);
            })
            .await;
        fake
    }

    /// A payment comes to stand so.
    pub fn stands(&self, id: &str, status: &str) {
        self.with(|bank| status.clone_into(&mut bank.payments.get_mut(id).unwrap().status));
    }

    /// Somebody pays.
    pub fn paid(&self, id: &str) {
        self.stands(id, "success");
    }

    /// A payment, as the bank has it.
    pub fn payment(&self, id: &str) -> Payment {
        self.with(|bank| bank.payments[id].clone())
    }

    /// What the bank calls back with, signed: the raw form.
    pub fn callback(&self, id: &str, status: &str, amount: &str) -> String {
        let transaction =
            self.with(|bank| bank.payments.get(id).map(|payment| payment.transaction.clone()));
        signed(&json!({
            "order_id": id, "status": status, "code": "000", "message": "Approved",
            "transaction": transaction.unwrap_or_else(|| "te404".to_owned()),
            "operation_code": "100", "amount": amount,
        }))
    }
}

/// A signed form.
pub fn signed(json: &Value) -> String {
    let data = STANDARD.encode(json.to_string());
    form(&data, &signature(&data))
}

/// A form with this signature.
pub fn form(data: &str, signature: &str) -> String {
    let escaped = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("data={}&signature={}", escaped(data), escaped(signature))
}

fn signature(data: &str) -> String {
    let text = format!("{PRIVATE_KEY}{data}{PRIVATE_KEY}");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// What a form says, its signature checked.
fn opened(form: &str) -> Value {
    let field = |name: &str| {
        let found = form.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
        let text = found.unwrap_or_else(|| panic!("no {name} in {form}"));
        text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    };
    let data = field("data");
    assert_eq!(field("signature"), signature(&data), "the signature of {form}");
    let json: Value = serde_json::from_slice(&STANDARD.decode(&data).unwrap()).unwrap();
    assert_eq!(json["public_key"], PUBLIC_KEY);
    json
}

impl Speaks for Bank {
    fn acts(&mut self, asked: &Asked) -> (u16, Value) {
        let form = std::str::from_utf8(&asked.body).unwrap();
        let json = opened(if form.is_empty() { &asked.query } else { form });
        let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        match asked.path.as_str() {
            "/api/1/request" => self.opens(&text("order_id"), &text("amount"), &text("currency")),
            "/api/1/get-status" => self.tells(&text("order_id")),
            "/api/1/reverse" => self.reverses(&text("transaction"), &text("amount")),
            "/api/1/b2b/payment" => self.transfers(&json),
            path => self.tracks(path),
        }
    }
}

impl Bank {
    fn opens(&mut self, id: &str, amount: &str, currency: &str) -> (u16, Value) {
        assert_eq!(currency, "AZN");
        let n = self.payments.len() + 1;
        let payment = self.payments.entry(id.to_owned()).or_insert_with(|| Payment {
            transaction: format!("te{n:010}"),
            amount: amount.to_owned(),
            status: "new".to_owned(),
            back: Vec::new(),
        });
        let url = format!("https://epoint.az/pay/{}", payment.transaction);
        let transaction = &payment.transaction;
        (200, json!({"status": "success", "transaction": transaction, "redirect_url": url}))
    }

    fn tells(&self, id: &str) -> (u16, Value) {
        let Some(payment) = self.payments.get(id) else {
            return (200, json!({"status": "error", "message": "There is no such order"}));
        };
        let Payment { transaction, amount, status, .. } = payment;
        (
            200,
            json!({"status": status, "transaction": transaction, "amount": amount, "message": "Said the bank"}),
        )
    }

    fn reverses(&mut self, transaction: &str, amount: &str) -> (u16, Value) {
        let found = self.payments.values_mut().find(|one| one.transaction == transaction);
        let payment = found.unwrap();
        if payment.status != "success" {
            return (200, json!({"status": "error", "message": "It is not there"}));
        }
        "returned".clone_into(&mut payment.status);
        payment.back.push(amount.to_owned());
        (200, json!({"status": "success", "message": "Reversed"}))
    }

    fn transfers(&mut self, json: &Value) -> (u16, Value) {
        let text = |field: &str| json[field].as_str().unwrap().to_owned();
        let id = text("order_id");
        if self.transfers.contains_key(&id) {
            return (422, json!({"detail": "order_id has already been used"}));
        }
        let transfer = Transfer {
            amount: text("amount"),
            status: "PENDING".to_owned(),
            iban: text("iban"),
            tin: text("tin"),
        };
        self.transfers.insert(id.clone(), transfer);
        (200, json!({"status": "success", "bulkId": format!("B-{id}"), "order_id": id}))
    }

    fn tracks(&self, path: &str) -> (u16, Value) {
        let id = path.strip_prefix("/api/1/b2b/payment/").unwrap();
        match self.transfers.get(id) {
            None => (404, json!({"detail": "Not found"})),
            Some(one) => (200, json!({"order_id": id, "status": one.status, "bulkId": "B1"})),
        }
    }
}
