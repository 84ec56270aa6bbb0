//! The HTTP client for a provider: sends one request and classifies its answer or failure.

use std::time::Duration;

use entity::value::{Money, SealedField};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize as _;
use serde_json::{Number, Value};

use crate::billing::gateway::ProviderError;
use crate::billing::payouts::account::PayoutAccount;
use platform::crypto::Keys;

/// The largest answer body that is read, bytes.
const ANSWER_MAX: usize = 256 * 1024;

/// An HTTP client for one provider.
pub struct ProviderClient {
    http: Client,
    base: String,
}

/// A provider's answer.
pub struct ProviderAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub json: Value,
}

impl ProviderClient {
    /// A client for this base address, with this time-out.
    ///
    /// # Errors
    /// When the HTTP client cannot be created.
    pub fn to(base: &str, timeout_s: u64) -> Result<Self, String> {
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(timeout_s))
            .pool_idle_timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| format!("payments: {error}"))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Starts a POST request.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    /// Starts a GET request.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }
}

/// Sends the request and reads the answer. A request that did not reach the provider was not
/// executed; one that got no answer may have been.
///
/// # Errors
/// Whether the request may have been executed.
pub async fn ask(request: RequestBuilder) -> Result<ProviderAnswer, ProviderError> {
    let response = request.send().await.map_err(trouble)?;
    let status = response.status().as_u16();
    match status {
        401 | 403 => {
            tracing::error!(alarm = "provider_keys", status, "a payment provider shuts us out");
            return Err(ProviderError::NotReached(format!("it does not know us: {status}")));
        }
        429 => return Err(ProviderError::NotReached("it wants to be asked later".to_owned())),
        500.. => return Err(ProviderError::PerhapsActed(format!("it broke: {status}"))),
        _ => {}
    }
    let bytes = read(response).await?;
    Ok(ProviderAnswer { status, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

async fn read(mut response: Response) -> Result<Vec<u8>, ProviderError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(trouble)? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(ProviderError::Unclear("its answer has no end".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn trouble(error: reqwest::Error) -> ProviderError {
    // The URL may contain a payment reference, which the error does not need.
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        ProviderError::NotReached(error.to_string())
    } else {
        ProviderError::PerhapsActed(error.to_string())
    }
}

/// A text field of an answer; U+0000 is removed, because PostgreSQL cannot store it.
pub fn text(json: &Value, field: &str) -> Option<String> {
    match json.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.replace('\0', "")),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount in AZN as a decimal text with two digits after the point.
#[must_use]
pub fn decimal(amount: Money) -> String {
    format!("{}.{:02}", amount.0.div_euclid(100), amount.0.rem_euclid(100))
}

/// An amount in AZN as a JSON number.
pub fn number(amount: Money) -> Value {
    decimal(amount).parse::<Number>().map_or(Value::Null, Value::Number)
}

/// An amount in an answer, text or number, parsed without floating point.
pub fn money(json: &Value, field: &str) -> Option<Money> {
    let text = match json.get(field)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let (cents, rest) = part.split_at_checked(part.len().min(2))?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(cents) || rest.bytes().any(|b| b != b'0') {
        return None;
    }
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    let qepik = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    Money::ZERO.plus(Money(qepik))
}

/// Opens a sealed account to send it to the provider.
///
/// # Errors
/// When it cannot be opened; nothing was sent then.
pub fn account(keys: &Keys, sealed: &SealedField) -> Result<PayoutAccount, ProviderError> {
    let closed = || ProviderError::NotReached("the account cannot be opened".to_owned());
    let text = keys.open_field(sealed).ok_or_else(closed)?;
    let json: Value = serde_json::from_str(&text).map_err(|_| closed())?;
    PayoutAccount::deserialize(json).map_err(|_| closed())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Amounts stay exact in requests and answers, in either form.
    #[test]
    fn amounts_are_never_floats() {
        assert_eq!(decimal(Money(5000)), "50.00");
        assert_eq!(decimal(Money(1)), "0.01");
        assert_eq!(decimal(Money(109)), "1.09");
        let read = |value: Value| money(&json!({"amount": value}), "amount").map(|m| m.0);
        for (value, qepik) in [
            (json!("50.00"), 5000),
            (json!(50), 5000),
            (json!(50.5), 5050),
            (json!("0.01"), 1),
            (json!(1.1), 110),
            (json!("50.000"), 5000),
        ] {
            assert_eq!(read(value.clone()), Some(qepik), "{value}");
        }
        for value in [
            json!("-1"),
            json!("1.001"),
            json!(""),
            json!("."),
            json!(null),
            json!("1e5"),
            json!("99999999999999999999"),
            json!("10000000000.00"),
        ] {
            assert_eq!(read(value.clone()), None, "{value}");
        }
    }
}
