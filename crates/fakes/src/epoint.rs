//! A fake of the payment provider Epoint: signed forms, payment pages, signed callbacks, and
//! transfers to bank accounts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::{Breach, Callback, FakeProvider, Protocol, RecordedRequest};

/// A running fake of Epoint.
pub type Epoint = FakeProvider<Provider>;

/// The address of the real provider's payment pages.
const PAGES: &str = "https://epoint.az/pay/";
/// The path of a payment page on the fake.
const PAY: &str = "/pay/";

/// The credentials a merchant and the provider share.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The merchant's identifier.
    pub public_key: String,
    /// The key that signs requests and callbacks.
    pub private_key: String,
    /// Where callbacks are sent, if anywhere.
    pub result_url: Option<String>,
}

/// A payment.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The provider's id of the payment.
    pub transaction: String,
    /// The amount in AZN, as text.
    pub amount: String,
    /// `new`, `success`, `failed`, `returned` …
    pub status: String,
    /// The amounts refunded or charged back, AZN.
    pub back: Vec<String>,
}

/// A transfer to a partner.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The amount in AZN, as text.
    pub amount: String,
    /// `PENDING`, `SUCCESS`, `FAILED`.
    pub status: String,
    /// The recipient's account.
    pub iban: String,
    /// The recipient's tax number.
    pub tin: String,
}

/// The fake's state.
pub struct Provider {
    /// Payments by the merchant's id.
    pub payments: BTreeMap<String, Payment>,
    /// Transfers by the merchant's id.
    pub transfers: BTreeMap<String, Transfer>,
    /// One callback of this many is lost; 0 loses none.
    pub loses_one_of: usize,
    /// Whether a transfer succeeds by itself once its status is requested.
    pub transfers_arrive: bool,
    merchant: Merchant,
    pages: String,
    due_callbacks: Vec<Callback>,
    called: usize,
}

impl Provider {
    /// The state for a merchant.
    #[must_use]
    pub fn of(merchant: Merchant) -> Self {
        Self {
            payments: BTreeMap::new(),
            transfers: BTreeMap::new(),
            loses_one_of: 0,
            transfers_arrive: false,
            merchant,
            pages: PAGES.to_owned(),
            due_callbacks: Vec::new(),
            called: 0,
        }
    }

    /// Serves payment pages at this address: posting `{"card": "good"}` to one pays, any other card
    /// is declined.
    #[must_use]
    pub fn with_pages_at(self, url: &str) -> Self {
        Self { pages: format!("{url}{PAY}"), ..self }
    }

    /// Sends callbacks to this address from now on.
    pub fn calls_back_at(&mut self, url: String) {
        self.merchant.result_url = Some(url);
    }

    /// Charges a payment back without the merchant's consent; false when there is nothing to charge
    /// back.
    pub fn charges_back(&mut self, id: &str) -> bool {
        let paid = self.payments.get_mut(id).filter(|payment| payment.status == "success");
        paid.is_some_and(|payment| {
            "returned".clone_into(&mut payment.status);
            true
        })
    }

    /// The signed raw form of a callback about a payment.
    #[must_use]
    pub fn callback(&self, id: &str, status: &str, amount: &str) -> String {
        let known = self.payments.get(id).map(|payment| payment.transaction.clone());
        self.signed(&json!({
            "order_id": id, "status": status, "code": "000", "message": "Approved",
            "transaction": known.unwrap_or_else(|| "te404".to_owned()),
            "operation_code": "100", "amount": amount,
        }))
    }

    /// A signed form with this content.
    #[must_use]
    pub fn signed(&self, json: &Value) -> String {
        let data = STANDARD.encode(json.to_string());
        form(&data, &self.signature(&data))
    }

    fn signature(&self, data: &str) -> String {
        let key = &self.merchant.private_key;
        let text = format!("{key}{data}{key}");
        STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
    }

    /// Verifies and decodes a form of the merchant.
    fn opened(&self, form: &[u8]) -> Result<Value, Breach> {
        let field = |name: &str| {
            let mut fields = form_urlencoded::parse(form);
            let found = fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            found.ok_or_else(|| Breach::because(format!("no {name}")))
        };
        let data = field("data")?;
        if field("signature")? != self.signature(&data) {
            return Err(Breach::because("the signature is wrong"));
        }
        let bytes = STANDARD.decode(&data).map_err(|error| Breach::because(error.to_string()))?;
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| Breach::because(error.to_string()))?;
        if text(&json, "public_key")? != self.merchant.public_key {
            return Err(Breach::because("another merchant's key"));
        }
        Ok(json)
    }
}

/// A form with this content and signature.
#[must_use]
pub fn form(data: &str, signature: &str) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("data", data).append_pair("signature", signature).finish()
}

fn text(json: &Value, field: &str) -> Result<String, Breach> {
    let found = json[field].as_str().map(ToOwned::to_owned);
    found.ok_or_else(|| Breach::because(format!("no {field}")))
}

impl Protocol for Provider {
    fn handle(&mut self, request: &RecordedRequest) -> Result<(u16, Value), Breach> {
        if let Some(transaction) = request.path.strip_prefix(PAY) {
            return Ok(self.pays(transaction, &request.body));
        }
        let form = if request.body.is_empty() { request.query.as_bytes() } else { &request.body };
        let json = self.opened(form)?;
        match request.path.as_str() {
            "/api/1/request" => self.opens(&json),
            "/api/1/get-status" => Ok(self.tells(&text(&json, "order_id")?)),
            "/api/1/reverse" => {
                self.reverses(&text(&json, "transaction")?, &text(&json, "amount")?)
            }
            "/api/1/b2b/payment" => self.transfers(&json),
            path => match path.strip_prefix("/api/1/b2b/payment/") {
                Some(id) => Ok(self.tracks(id)),
                None => Err(Breach::because("there is no such call")),
            },
        }
    }

    fn due_callbacks(&mut self) -> Vec<Callback> {
        std::mem::take(&mut self.due_callbacks)
    }
}

impl Provider {
    fn opens(&mut self, json: &Value) -> Result<(u16, Value), Breach> {
        if json["currency"] != "AZN" {
            return Err(Breach::because("the currency is not AZN"));
        }
        let (id, amount) = (text(json, "order_id")?, text(json, "amount")?);
        let n = self.payments.len() + 1;
        let payment = self.payments.entry(id).or_insert_with(|| Payment {
            transaction: format!("te{n:010}"),
            amount,
            status: "new".to_owned(),
            back: Vec::new(),
        });
        let transaction = &payment.transaction;
        let url = format!("{}{transaction}", self.pages);
        Ok((200, json!({"status": "success", "transaction": transaction, "redirect_url": url})))
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

    fn reverses(&mut self, transaction: &str, amount: &str) -> Result<(u16, Value), Breach> {
        let found = self.payments.values_mut().find(|one| one.transaction == transaction);
        let payment = found.ok_or_else(|| Breach::because("there is no such transaction"))?;
        if payment.status != "success" {
            return Ok((200, json!({"status": "error", "message": "It is not there"})));
        }
        "returned".clone_into(&mut payment.status);
        payment.back.push(amount.to_owned());
        Ok((200, json!({"status": "success", "message": "Reversed"})))
    }

    fn transfers(&mut self, json: &Value) -> Result<(u16, Value), Breach> {
        let id = text(json, "order_id")?;
        let transfer = Transfer {
            amount: text(json, "amount")?,
            status: "PENDING".to_owned(),
            iban: text(json, "iban")?,
            tin: text(json, "tin")?,
        };
        if self.transfers.contains_key(&id) {
            return Ok((422, json!({"detail": "order_id has already been used"})));
        }
        self.transfers.insert(id.clone(), transfer);
        Ok((200, json!({"status": "success", "bulkId": format!("B-{id}"), "order_id": id})))
    }

    fn tracks(&mut self, id: &str) -> (u16, Value) {
        let Some(transfer) = self.transfers.get_mut(id) else {
            return (404, json!({"detail": "Not found"}));
        };
        if self.transfers_arrive {
            "SUCCESS".clone_into(&mut transfer.status);
        }
        (200, json!({"order_id": id, "status": transfer.status, "bulkId": "B1"}))
    }

    /// A payer pays on a page with a valid or an invalid card; the merchant gets a callback, unless
    /// it is dropped.
    fn pays(&mut self, transaction: &str, body: &[u8]) -> (u16, Value) {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let paid = text(&request, "card").is_ok_and(|card| card == "good");
        let status = if paid { "success" } else { "failed" };
        let waits = |payment: &Payment| matches!(payment.status.as_str(), "new" | "failed");
        let found = self.payments.iter_mut().find(|(_, one)| one.transaction == transaction);
        let Some((id, payment)) = found.filter(|(_, payment)| waits(payment)) else {
            return (404, json!({"paid": false, "message": "There is nothing to pay"}));
        };
        status.clone_into(&mut payment.status);
        let (id, amount) = (id.clone(), payment.amount.clone());
        self.called += 1;
        let lost = self.loses_one_of > 0 && self.called.is_multiple_of(self.loses_one_of);
        if let Some(url) = self.merchant.result_url.clone().filter(|_| !lost) {
            let form = self.callback(&id, status, &amount);
            self.due_callbacks.push(Callback { url, form });
        }
        (200, json!({"paid": paid}))
    }
}
