//! Epoint: signed forms, signed callbacks, transfers to bank accounts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::payment::Driver;
use entity::value::{Money, PayoutId};
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line::{ProviderAnswer, ProviderClient, account, ask, decimal, money, text};
use crate::billing::gateway::{
    Asked, Checkout, Hint, Identified, PaymentLookup, PaymentRef, PaymentRequest, PaymentStatus,
    Payments, PayoutStatus, ProviderError, Transfer, Untrusted,
};
use crate::config::PaymentSettings;
use platform::crypto::Keys;

/// Epoint's message for a transfer whose order id it has received before.
const HAS_IT: &str = "already been used";

/// The Epoint provider.
pub struct Epoint {
    line: ProviderClient,
    public_key: String,
    private_key: String,
    language: String,
    return_url: Option<String>,
    keys: Arc<Keys>,
}

/// The fields of every call, in the order Epoint expects.
#[derive(Default, Serialize)]
struct Data<'a> {
    public_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_redirect_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iban: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_code: Option<String>,
}

/// The two fields of every call and callback.
#[derive(Deserialize, Serialize)]
struct Signed {
    data: String,
    signature: String,
}

impl Epoint {
    /// A client with these settings.
    #[must_use]
    pub fn new(line: ProviderClient, settings: &PaymentSettings, keys: Arc<Keys>) -> Self {
        let own = &settings.epoint;
        Self {
            line,
            public_key: own.public_key.clone(),
            private_key: own.private_key.clone(),
            language: settings.language.clone(),
            return_url: Some(settings.return_url.clone()).filter(|url| !url.is_empty()),
            keys,
        }
    }

    fn data(&self) -> Data<'_> {
        Data { public_key: &self.public_key, ..Data::default() }
    }

    fn signed(&self, data: &Data<'_>) -> Result<Signed, ProviderError> {
        let json =
            serde_json::to_vec(data).map_err(|e| ProviderError::NotReached(e.to_string()))?;
        let data = STANDARD.encode(json);
        Ok(Signed { signature: signature(&self.private_key, &data), data })
    }

    async fn call(&self, path: &str, data: &Data<'_>) -> Result<ProviderAnswer, ProviderError> {
        ask(self.line.post(path).form(&self.signed(data)?)).await
    }

    async fn opened(&self, wish: &PaymentRequest) -> Result<Checkout, ProviderError> {
        let data = Data {
            amount: Some(decimal(wish.amount)),
            currency: Some("AZN"),
            language: Some(&self.language),
            order_id: Some(wish.payment_id.to_string()),
            description: Some(wish.about),
            success_redirect_url: self.return_url.as_deref(),
            error_redirect_url: self.return_url.as_deref(),
            ..self.data()
        };
        let said = self.call("/api/1/request", &data).await?;
        let json = accepted(&said)?;
        match (text(json, "transaction"), text(json, "redirect_url")) {
            (Some(reference), Some(url)) => Ok(Checkout { reference, redirect_url: Some(url) }),
            _ => Err(ProviderError::Unclear("no transaction, or no page".to_owned())),
        }
    }

    async fn looked(&self, named: &PaymentRef) -> Result<PaymentStatus, ProviderError> {
        let data = Data {
            language: Some(&self.language),
            order_id: Some(named.payment_id.to_string()),
            transaction: named.reference.as_deref(),
            ..self.data()
        };
        let said = self.call("/api/1/get-status", &data).await?;
        Ok(seen(&said.json, named))
    }

    async fn identified(&self, hint: &Hint) -> Result<Identified, ProviderError> {
        let data = Data {
            language: Some(&self.language),
            order_id: hint.order.clone(),
            transaction: hint.reference.as_deref(),
            ..self.data()
        };
        let said = self.call("/api/1/get-status", &data).await?.json;
        let status = text(&said, "status").unwrap_or_else(|| "nothing".to_owned());
        let standing = match status.as_str() {
            "success" => PaymentLookup::Paid,
            "returned" => PaymentLookup::WentBack,
            _ => PaymentLookup::Neither,
        };
        Ok(Identified {
            payment_id: hint.payment_id,
            reference: text(&said, "transaction").or_else(|| hint.reference.clone()),
            amount: money(&said, "amount"),
            status,
            standing,
        })
    }

    async fn returned(&self, named: &PaymentRef, amount: Money) -> Result<(), ProviderError> {
        let nameless = || ProviderError::NotReached("Epoint's name for it is not known".to_owned());
        let data = Data {
            amount: Some(decimal(amount)),
            currency: Some("AZN"),
            language: Some(&self.language),
            transaction: Some(named.reference.as_deref().ok_or_else(nameless)?),
            ..self.data()
        };
        let said = self.call("/api/1/reverse", &data).await?;
        accepted(&said).map(|_| ())
    }

    async fn transferred(&self, transfer: &Transfer) -> Result<PayoutStatus, ProviderError> {
        let to = account(&self.keys, &transfer.account)?;
        if to.iban.is_none() {
            return Err(ProviderError::Refused("Epoint pays to bank accounts".to_owned()));
        }
        let voen = transfer.voen.as_ref().and_then(|voen| self.keys.open_field(voen));
        let data = Data {
            amount: Some(decimal(transfer.amount)),
            order_id: Some(transfer.payout_id.to_string()),
            description: Some("Yumo"),
            iban: to.iban,
            name: Some(to.name),
            tin: voen,
            bank_code: to.bank_code,
            ..self.data()
        };
        let said = self.call("/api/1/b2b/payment", &data).await?;
        let has_it = ["detail", "message"]
            .iter()
            .any(|field| text(&said.json, field).is_some_and(|detail| detail.contains(HAS_IT)));
        if has_it {
            Ok(PayoutStatus::Pending)
        } else {
            accepted(&said).map(|_| PayoutStatus::Pending)
        }
    }

    async fn tracked(&self, payout_id: PayoutId) -> Result<PayoutStatus, ProviderError> {
        let data = Data { order_id: Some(payout_id.to_string()), ..self.data() };
        let path = format!("/api/1/b2b/payment/{payout_id}");
        let said = ask(self.line.get(&path).query(&self.signed(&data)?)).await?;
        if said.status == 404 {
            return Ok(PayoutStatus::Absent);
        }
        let reference = text(&said.json, "bulkId").unwrap_or_else(|| payout_id.to_string());
        Ok(match text(&said.json, "status").as_deref() {
            Some("PENDING" | "PROCESSING") => PayoutStatus::Pending,
            Some("SUCCESS") => PayoutStatus::Arrived(reference),
            Some(status @ ("FAILED" | "REJECTED" | "CANCELLED" | "CANCELED")) => {
                PayoutStatus::Bounced(status.to_owned())
            }
            other => PayoutStatus::Unknown(other.unwrap_or("nothing").to_owned()),
        })
    }
}

impl Payments for Epoint {
    fn driver(&self) -> Driver {
        Driver::Epoint
    }

    fn create<'a>(&'a self, wish: &'a PaymentRequest) -> Asked<'a, Checkout> {
        Box::pin(self.opened(wish))
    }

    fn status<'a>(&'a self, named: &'a PaymentRef) -> Asked<'a, PaymentStatus> {
        Box::pin(self.looked(named))
    }

    fn identify<'a>(&'a self, hint: &'a Hint) -> Asked<'a, Identified> {
        Box::pin(self.identified(hint))
    }

    fn refund<'a>(&'a self, named: &'a PaymentRef, amount: Money) -> Asked<'a, ()> {
        Box::pin(self.returned(named, amount))
    }

    fn pay_out<'a>(&'a self, transfer: &'a Transfer) -> Asked<'a, PayoutStatus> {
        Box::pin(self.transferred(transfer))
    }

    fn pay_out_status(&self, payout_id: PayoutId) -> Asked<'_, PayoutStatus> {
        Box::pin(self.tracked(payout_id))
    }

    fn callback(&self, raw: &[u8]) -> Result<Hint, Untrusted> {
        let data = only_field(raw, "data").ok_or(Untrusted::Unreadable)?;
        let signature = only_field(raw, "signature").ok_or(Untrusted::Unreadable)?;
        // A `+` of base64 that was sent unescaped arrives as a space, which base64 does not
        // contain.
        let (data, signature) = (data.replace(' ', "+"), signature.replace(' ', "+"));
        if !equal(
            &self.private_key,
            &super::epoint::signature(&self.private_key, &data),
            &signature,
        ) {
            return Err(Untrusted::Forged);
        }
        let json = STANDARD.decode(&data).map_err(|_| Untrusted::Unreadable)?;
        let json: Value = serde_json::from_slice(&json).map_err(|_| Untrusted::Unreadable)?;
        let order = text(&json, "order_id").ok_or(Untrusted::Unreadable)?;
        // An order id that is not ours is looked up by Epoint's reference.
        let payment_id = order.parse().ok();
        Ok(Hint { payment_id, order: Some(order), reference: text(&json, "transaction") })
    }
}

/// The value of a form's field that is sent exactly once and is valid UTF-8.
fn only_field(form: &[u8], name: &str) -> Option<String> {
    std::str::from_utf8(form).ok()?;
    let mut found = form_urlencoded::parse(form).filter(|(field, _)| field == name);
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.into_owned())
}

/// The answer, if Epoint accepted; a refusal has the HTTP status 200 as well.
fn accepted(said: &ProviderAnswer) -> Result<&Value, ProviderError> {
    let why = || {
        let said = text(&said.json, "message").or_else(|| text(&said.json, "detail"));
        said.unwrap_or_else(|| "no reason was given".to_owned())
    };
    match text(&said.json, "status").as_deref() {
        Some("success") => Ok(&said.json),
        Some("server_error") => Err(ProviderError::PerhapsActed(why())),
        Some("failed" | "error") => Err(ProviderError::Refused(why())),
        None if (400..500).contains(&said.status) => Err(ProviderError::Refused(why())),
        other => Err(ProviderError::Unclear(format!("status {other:?}"))),
    }
}

fn seen(json: &Value, named: &PaymentRef) -> PaymentStatus {
    let reference = text(json, "transaction");
    let other_order = text(json, "order_id").is_some_and(|id| id != named.payment_id.to_string());
    let other = named.reference.is_some() && reference.is_some() && named.reference != reference;
    if other_order || other {
        return PaymentStatus::Unknown("another payment".to_owned());
    }
    let why = text(json, "message").unwrap_or_default();
    let currency = text(json, "currency").filter(|currency| currency != "AZN");
    match text(json, "status").as_deref() {
        Some("success") if currency.is_some() => {
            PaymentStatus::Unknown(format!("paid in {}", currency.unwrap_or_default()))
        }
        Some("new" | "server_error") => PaymentStatus::Pending,
        Some("success") => match money(json, "amount") {
            Some(amount) => PaymentStatus::Paid { amount, reference },
            None => PaymentStatus::Unknown("success without an amount".to_owned()),
        },
        Some("error") if reference.is_none() => PaymentStatus::Absent,
        Some("failed" | "error") => PaymentStatus::Failed(why),
        Some("returned") => PaymentStatus::Touched,
        other => PaymentStatus::Unknown(format!("status {}", other.unwrap_or("nothing"))),
    }
}

/// Epoint's signature: base64 of SHA-1 of key, data, key.
fn signature(private_key: &str, data: &str) -> String {
    let signed = [private_key, data, private_key].concat();
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, signed.as_bytes());
    STANDARD.encode(hash)
}

/// Whether two texts are equal, compared in constant time.
fn equal(key: &str, a: &str, b: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::verify(&key, b.as_bytes(), hmac::sign(&key, a.as_bytes()).as_ref()).is_ok()
}

#[cfg(test)]
#[path = "epoint_vectors.rs"]
mod tests;
