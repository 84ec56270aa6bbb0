//! The line to a provider: one request, one answer, and what its absence means.

use std::time::Duration;

use entity::value::{Money, SealedField};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize as _;
use serde_json::{Number, Value};

use crate::billing::account::Account;
use crate::billing::gateway::Trouble;
use crate::platform::crypto::Keys;

/// The largest answer that is read, bytes.
const ANSWER_MAX: usize = 256 * 1024;

/// A provider's address.
pub struct Line {
    http: Client,
    base: String,
}

/// What a provider said.
pub struct Said {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it was no JSON.
    pub json: Value,
}

impl Line {
    /// To this address, with this patience.
    ///
    /// # Errors
    /// When no client can be made.
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

    /// Begins a request.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    /// Begins a request.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }
}

/// Sends it and reads the answer. What did not get through was not done; what got no answer may
/// have been.
///
/// # Errors
/// How much is known of whether it was done.
pub async fn ask(request: RequestBuilder) -> Result<Said, Trouble> {
    let response = request.send().await.map_err(trouble)?;
    let status = response.status().as_u16();
    match status {
        401 | 403 => {
            tracing::error!(alarm = "provider_keys", status, "a payment provider shuts us out");
            return Err(Trouble::NotReached(format!("it does not know us: {status}")));
        }
        429 => return Err(Trouble::NotReached("it wants to be asked later".to_owned())),
        500.. => return Err(Trouble::PerhapsActed(format!("it broke: {status}"))),
        _ => {}
    }
    let bytes = read(response).await?;
    Ok(Said { status, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

async fn read(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(trouble)? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(Trouble::Unclear("its answer has no end".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn trouble(error: reqwest::Error) -> Trouble {
    // The address may hold a reference; what went wrong does not need it.
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        Trouble::NotReached(error.to_string())
    } else {
        Trouble::PerhapsActed(error.to_string())
    }
}

/// A text in an answer; PostgreSQL keeps no U+0000, and nobody means one.
pub fn text(json: &Value, field: &str) -> Option<String> {
    match json.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.replace('\0', "")),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount as providers write it: AZN with at most two digits after the point.
#[must_use]
pub fn decimal(amount: Money) -> String {
    format!("{}.{:02}", amount.0.div_euclid(100), amount.0.rem_euclid(100))
}

/// The same as a JSON number.
pub fn number(amount: Money) -> Value {
    decimal(amount).parse::<Number>().map_or(Value::Null, Value::Number)
}

/// An amount in an answer, text or number, without ever being a float of ours.
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

/// A sealed account, opened for the provider alone.
///
/// # Errors
/// When it cannot be opened: nothing was asked then.
pub fn account(keys: &Keys, sealed: &SealedField) -> Result<Account, Trouble> {
    let closed = || Trouble::NotReached("the account cannot be opened".to_owned());
    let text = keys.open_field(sealed).ok_or_else(closed)?;
    let json: Value = serde_json::from_str(&text).map_err(|_| closed())?;
    Account::deserialize(json).map_err(|_| closed())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Amounts are exact on their way out and back, whichever form they have.
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
