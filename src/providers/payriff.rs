//! Payriff v3: JSON envelopes, refusals with HTTP status 200, unsigned callbacks.

use std::sync::Arc;

use entity::payment::Driver;
use entity::value::{Money, PayoutId};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::line::{ProviderAnswer, ProviderClient, account, ask, money, number, text};
use crate::billing::gateway::{
    Asked, Checkout, Hint, Identified, PaymentLookup, PaymentRef, PaymentRequest, PaymentStatus,
    Payments, PayoutStatus, ProviderError, Transfer, Untrusted,
};
use crate::config::PaymentSettings;
use platform::crypto::Keys;

/// The code of success.
const YES: &str = "00000";
/// The largest length of Payriff's id of an order, characters.
const NAME_CHARS_MAX: usize = 64;
/// The header that carries our payment id.
const OWN_NAME: &str = "X-REQUEST-RRN";

/// The Payriff provider.
pub struct Payriff {
    line: ProviderClient,
    app_key: String,
    merchant: String,
    language: String,
    callback_url: String,
    return_url: Option<String>,
    keys: Arc<Keys>,
}

impl Payriff {
    /// A client with these settings; `public_url` is the address of its callbacks.
    #[must_use]
    pub fn new(
        line: ProviderClient,
        settings: &PaymentSettings,
        public_url: &str,
        keys: Arc<Keys>,
    ) -> Self {
        let own = &settings.payriff;
        Self {
            line,
            app_key: own.app_key.clone(),
            merchant: own.merchant.clone(),
            language: settings.language.to_uppercase(),
            callback_url: format!("{public_url}/v1/open/payments/payriff"),
            return_url: Some(settings.return_url.clone()).filter(|url| !url.is_empty()),
            keys,
        }
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        payload(ask(request.header("Authorization", &self.app_key)).await?)
    }

    /// Looks up an order by our payment id; `None` if Payriff does not know it.
    async fn known(&self, id: &str) -> Result<Option<Value>, ProviderError> {
        match self.call(self.line.get(&format!("/api/v3/orders/{id}/rrn"))).await {
            Ok(order) if text(&order, "orderId").is_some() => Ok(Some(order)),
            Ok(_) | Err(ProviderError::Refused(_)) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn opened(&self, wish: &PaymentRequest) -> Result<Checkout, ProviderError> {
        let id = wish.payment_id.to_string();
        // Payriff may have the order from an earlier attempt whose answer was lost.
        let order = match self.known(&id).await? {
            Some(order) => Ok(order),
            None => self.ordered(wish, &id).await,
        }?;
        let unnamed = || ProviderError::Unclear("no orderId".to_owned());
        let reference = text(&order, "orderId").ok_or_else(unnamed)?;
        Ok(Checkout { reference, redirect_url: text(&order, "paymentUrl") })
    }

    async fn ordered(&self, wish: &PaymentRequest, id: &str) -> Result<Value, ProviderError> {
        let mut body = json!({
            "amount": number(wish.amount), "currency": "AZN", "language": self.language,
            "operation": "PURCHASE", "description": wish.about, "callbackUrl": self.callback_url,
        });
        if let (Some(url), Some(object)) = (&self.return_url, body.as_object_mut()) {
            object.insert("redirectUrl".to_owned(), json!(url));
        }
        self.call(self.line.post("/api/v3/orders").header(OWN_NAME, id).json(&body)).await
    }

    async fn looked(&self, named: &PaymentRef) -> Result<PaymentStatus, ProviderError> {
        let order = match &named.reference {
            None => self.known(&named.payment_id.to_string()).await?,
            Some(id) => match self.call(self.line.get(&format!("/api/v3/orders/{id}"))).await {
                Ok(order) => Some(order),
                Err(ProviderError::Refused(_)) => None,
                Err(trouble) => return Err(trouble),
            },
        };
        Ok(order.map_or(PaymentStatus::Absent, |order| seen(&order, named)))
    }

    async fn identified(&self, hint: &Hint) -> Result<Identified, ProviderError> {
        let id = hint.reference.as_deref().unwrap_or_default();
        let order = match self.call(self.line.get(&format!("/api/v3/orders/{id}"))).await {
            Ok(order) => order,
            Err(ProviderError::Refused(_)) => Value::Null,
            Err(trouble) => return Err(trouble),
        };
        let own = order.pointer("/transactions/0").and_then(|one| text(one, "requestRrn"));
        let status = text(&order, "paymentStatus").unwrap_or_else(|| "nothing".to_owned());
        let standing = match status.as_str() {
            "APPROVED" | "PARTIAL_REFUND" => PaymentLookup::Paid,
            "REFUNDED" | "REVERSE" => PaymentLookup::WentBack,
            _ => PaymentLookup::Neither,
        };
        Ok(Identified {
            payment_id: own.and_then(|own| own.parse().ok()),
            reference: text(&order, "orderId"),
            amount: money(&order, "amount"),
            status,
            standing,
        })
    }

    async fn returned(&self, named: &PaymentRef, amount: Money) -> Result<(), ProviderError> {
        let nameless =
            || ProviderError::NotReached("Payriff's name for it is not known".to_owned());
        let id = named.reference.as_ref().ok_or_else(nameless)?;
        let body = json!({"orderId": id, "amount": number(amount), "refundReason": "Yumo"});
        self.call(self.line.post("/api/v3/refund").json(&body)).await.map(|_| ())
    }

    async fn transferred(&self, transfer: &Transfer) -> Result<PayoutStatus, ProviderError> {
        let to = account(&self.keys, &transfer.account)?;
        let Some(card) = to.card else {
            return Err(ProviderError::Refused("Payriff pays to cards".to_owned()));
        };
        let id = transfer.payout_id.to_string();
        let voen = transfer.voen.as_ref().and_then(|voen| self.keys.open_field(voen));
        let body = json!({"merchant": self.merchant, "body": {
            "transferAmount": number(transfer.amount), "description": "Yumo",
            "fullName": to.name, "finCode": to.fin, "cardPan": card, "voen": voen,
            "requestRrn": id,
        }});
        let request = self.line.post("/api/v3/payout").header("X-IDEMPOTENCY-KEY", &id);
        let answer = self.call(request.json(&body)).await?;
        Ok(sent(&answer, &id))
    }

    async fn tracked(&self, payout_id: PayoutId) -> Result<PayoutStatus, ProviderError> {
        let id = payout_id.to_string();
        match self.call(self.line.get(&format!("/api/v3/payout/info/{id}"))).await {
            Ok(answer) => Ok(sent(&answer, &id)),
            Err(ProviderError::Refused(_)) => Ok(PayoutStatus::Absent),
            Err(trouble) => Err(trouble),
        }
    }
}

impl Payments for Payriff {
    fn driver(&self) -> Driver {
        Driver::Payriff
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

    /// Callbacks are unsigned, so only the order's reference is read; the status is then polled.
    fn callback(&self, raw: &[u8]) -> Result<Hint, Untrusted> {
        let json: Value = serde_json::from_slice(raw).map_err(|_| Untrusted::Unreadable)?;
        let payload = json.get("payload").unwrap_or(&json);
        let reference = text(payload, "orderId").filter(|id| plain(id));
        let reference = reference.ok_or(Untrusted::Unreadable)?;
        Ok(Hint { payment_id: None, order: None, reference: Some(reference) })
    }
}

/// Whether the id is safe in a URL; callbacks come from untrusted senders.
fn plain(id: &str) -> bool {
    let fits = (1..=NAME_CHARS_MAX).contains(&id.len());
    fits && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The payload of an envelope with the code of success.
fn payload(said: ProviderAnswer) -> Result<Value, ProviderError> {
    let ProviderAnswer { status, mut json } = said;
    let why = text(&json, "message").unwrap_or_else(|| "no reason was given".to_owned());
    match text(&json, "code").as_deref() {
        Some(YES) => Ok(json.get_mut("payload").map(Value::take).unwrap_or_default()),
        Some(code) if code.starts_with("140") => {
            tracing::error!(alarm = "provider_keys", code, "a payment provider shuts us out");
            Err(ProviderError::NotReached(format!("it does not know us: {code}")))
        }
        Some(code) if code.starts_with("01") || code == "15400" => {
            Err(ProviderError::Refused(format!("{code} {why}")))
        }
        None if status == 404 => Err(ProviderError::Refused("there is no such thing".to_owned())),
        other => Err(ProviderError::Unclear(format!("code {other:?} {why}"))),
    }
}

fn seen(order: &Value, named: &PaymentRef) -> PaymentStatus {
    let reference = text(order, "orderId");
    if named.reference.is_some() && reference != named.reference {
        return PaymentStatus::Unknown("another payment".to_owned());
    }
    let currency = text(order, "currencyType").or_else(|| text(order, "currency"));
    let currency = currency.unwrap_or_else(|| "AZN".to_owned());
    match text(order, "paymentStatus").as_deref() {
        Some("APPROVED") if currency != "AZN" => {
            PaymentStatus::Unknown(format!("paid in {currency}"))
        }
        Some("APPROVED") => match money(order, "amount") {
            Some(amount) => PaymentStatus::Paid { amount, reference },
            None => PaymentStatus::Unknown("APPROVED without an amount".to_owned()),
        },
        Some("CREATED" | "PENDING" | "IN_REVIEW" | "REFUND_IN_PROGRESS") => PaymentStatus::Pending,
        Some(status @ ("CANCELED" | "DECLINED" | "EXPIRED")) => {
            PaymentStatus::Failed(status.to_owned())
        }
        Some("REFUNDED" | "REVERSE") => PaymentStatus::Returned,
        Some("PARTIAL_REFUND") => PaymentStatus::PartlyReturned,
        other => PaymentStatus::Unknown(other.unwrap_or("nothing").to_owned()),
    }
}

fn sent(answer: &Value, id: &str) -> PayoutStatus {
    match text(answer, "state").as_deref() {
        Some("SUCCESS") => PayoutStatus::Arrived(id.to_owned()),
        Some("CREATED" | "IN_PROGRESS") => PayoutStatus::Pending,
        Some("NOT_FOUND") => PayoutStatus::Absent,
        Some(state @ ("FAIL" | "DAILY_PAYOUT_LIMIT_EXCEEDED")) => {
            PayoutStatus::Bounced(state.to_owned())
        }
        other => PayoutStatus::Unknown(other.unwrap_or("nothing").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use entity::value::PaymentId;
    use uuid::Uuid;

    use super::*;

    fn envelope(status: u16, json: Value) -> Result<Value, ProviderError> {
        payload(ProviderAnswer { status, json })
    }

    /// BAL-5: only the code `00000` means success, whatever the HTTP status.
    #[test]
    fn bal_5_a_no_may_come_with_http_200() {
        let yes = json!({"code": "00000", "payload": {"orderId": "A1"}});
        assert_eq!(envelope(200, yes), Ok(json!({"orderId": "A1"})));
        let no = |code: &str| envelope(200, json!({"code": code, "message": "m", "payload": {}}));
        assert!(matches!(no("01000"), Err(ProviderError::Refused(_))));
        assert!(matches!(no("01200"), Err(ProviderError::Refused(_))));
        assert!(matches!(no("15400"), Err(ProviderError::Refused(_))));
        assert!(matches!(no("14013"), Err(ProviderError::NotReached(_))));
        assert!(matches!(no("99999"), Err(ProviderError::Unclear(_))));
        assert!(matches!(envelope(200, Value::Null), Err(ProviderError::Unclear(_))));
        assert!(matches!(envelope(404, Value::Null), Err(ProviderError::Refused(_))));
    }

    /// BAL-5: the meaning of every status Payriff has, and of unknown ones.
    #[test]
    fn bal_5_what_payriff_says() {
        let payment_id = PaymentId(Uuid::nil());
        let named = PaymentRef { payment_id, reference: Some("A1".to_owned()) };
        let says = |status: &str| {
            let order = json!({"orderId": "A1", "amount": 50, "paymentStatus": status});
            seen(&order, &named)
        };
        let foreign = json!({"orderId": "A1", "amount": 50, "paymentStatus": "APPROVED",
            "currency": "USD"});
        assert_eq!(seen(&foreign, &named), PaymentStatus::Unknown("paid in USD".to_owned()));
        let nul = json!({"orderId": "A\u{0}1"});
        assert_eq!(text(&nul, "orderId").as_deref(), Some("A1"), "PostgreSQL keeps no U+0000");
        let reference = Some("A1".to_owned());
        assert_eq!(says("APPROVED"), PaymentStatus::Paid { amount: Money(5000), reference });
        for status in ["CREATED", "PENDING", "IN_REVIEW", "REFUND_IN_PROGRESS"] {
            assert_eq!(says(status), PaymentStatus::Pending, "{status}");
        }
        for status in ["CANCELED", "DECLINED", "EXPIRED"] {
            assert_eq!(says(status), PaymentStatus::Failed(status.to_owned()));
        }
        assert_eq!(
            (says("REFUNDED"), says("REVERSE")),
            (PaymentStatus::Returned, PaymentStatus::Returned)
        );
        assert_eq!(says("PARTIAL_REFUND"), PaymentStatus::PartlyReturned);
        let strange = ["PREAUTH_APPROVED", "PARTIAL", "ACCEPTED", "CASH", "PREAUTH_EXPIRED", "NEW"];
        for status in strange {
            assert!(matches!(says(status), PaymentStatus::Unknown(_)), "{status}");
        }
        let dollars = json!({"orderId": "A1", "amount": 50, "currencyType": "USD", "paymentStatus": "APPROVED"});
        assert!(matches!(seen(&dollars, &named), PaymentStatus::Unknown(_)));
        let other = json!({"orderId": "A2", "amount": 50, "paymentStatus": "APPROVED"});
        assert!(matches!(seen(&other, &named), PaymentStatus::Unknown(_)));
    }

    /// BON-5: the meaning of every state of a payout.
    #[test]
    fn bon_5_where_a_payout_stands() {
        let says = |state: &str| sent(&json!({"state": state}), "P1");
        assert_eq!(says("SUCCESS"), PayoutStatus::Arrived("P1".to_owned()));
        assert_eq!(
            (says("CREATED"), says("IN_PROGRESS")),
            (PayoutStatus::Pending, PayoutStatus::Pending)
        );
        assert_eq!(says("NOT_FOUND"), PayoutStatus::Absent);
        assert_eq!(says("FAIL"), PayoutStatus::Bounced("FAIL".to_owned()));
        assert!(matches!(says("MAYBE"), PayoutStatus::Unknown(_)));
    }
}
