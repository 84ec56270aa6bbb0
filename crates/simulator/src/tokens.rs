//! The tokens of one session: sign-in, early refresh, and a new sign-in when a refresh fails.

use crate::api_error::ApiError;
use crate::ask::Ask;
use crate::census::{Census, one};
use crate::pace::Pace;
use crate::person::Shared;
use crate::wire::Wire;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Attempts to sign in, including those with late or mistyped codes.
const SIGN_IN_TRIES: u32 = 4;
/// Server seconds between two codes to one phone, when the response does not say.
const RESEND_SECS: u64 = 60;
/// The longest real wait for the next code.
const RESEND_WAIT_MAX: Duration = Duration::from_secs(90);
/// Attempts after connection errors.
const LINE_TRIES: u32 = 6;
/// The first delay after a connection error; it doubles after each failure.
const LINE_WAIT: Duration = Duration::from_millis(100);

/// A token response on the wire.
#[derive(Debug, Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
    refresh_token: String,
    #[serde(default)]
    person_id: String,
}

/// A person's tokens.
#[derive(Debug)]
pub struct Tokens {
    /// For the `Authorization` header.
    pub access: String,
    /// The person's id.
    pub person_id: String,
    refresh: String,
    refresh_from: Instant,
}

impl Tokens {
    fn from(granted: Granted, pace: Pace) -> Self {
        let lives = pace.real(granted.expires_in);
        let refresh_from = Instant::now() + lives.mul_f32(0.7);
        Self {
            access: granted.access_token,
            person_id: granted.person_id,
            refresh: granted.refresh_token,
            refresh_from,
        }
    }

    /// Whether they should be refreshed before the next use.
    pub fn are_old(&self) -> bool {
        Instant::now() >= self.refresh_from
    }

    /// Signs in with the code sent to the phone; if one was sent recently, waits for the next.
    pub async fn sign_in(
        wire: &Wire,
        shared: &Shared,
        phone: &str,
        device: &str,
    ) -> Result<Self, ApiError> {
        let Shared { codes, pace, census, stop, .. } = shared;
        let mut last = ApiError::NoCode(phone.to_owned());
        for _ in 0..SIGN_IN_TRIES {
            let sent =
                send(wire, &open("/v1/auth/otp", &json!({ "phone": phone })), census).await?;
            if sent.status == 429 {
                last = sent.done().err().unwrap_or(last);
                let pause = pace.real(sent.retry_after_s.unwrap_or(RESEND_SECS).saturating_add(1));
                if !stop.rest(pause.min(RESEND_WAIT_MAX)).await {
                    return Err(ApiError::Stopped);
                }
                continue;
            }
            sent.done()?;
            let Some(code) = codes.code(phone).await else { continue };
            let device_id = format!("installation of {phone}");
            let body = json!({
                "phone": phone, "code": code, "device": device, "device_id": device_id,
            });
            match send(wire, &open("/v1/auth/sessions", &body), census).await?.read() {
                Ok(granted) => {
                    one(&census.count.sign_ins);
                    return Ok(Self::from(granted, *pace));
                }
                Err(trouble) => last = trouble,
            }
        }
        Err(last)
    }

    /// Exchanges the refresh token for new tokens.
    pub async fn refreshed(
        &self,
        wire: &Wire,
        pace: Pace,
        census: &Census,
    ) -> Result<Self, ApiError> {
        let ask = open("/v1/auth/refresh", &json!({ "refresh_token": self.refresh }));
        let mut granted: Granted = send(wire, &ask, census).await?.read()?;
        if granted.person_id.is_empty() {
            granted.person_id.clone_from(&self.person_id);
        }
        one(&census.count.refreshes);
        Ok(Self::from(granted, pace))
    }
}

/// A request without an idempotency key.
fn open(path: &str, body: &serde_json::Value) -> Ask {
    let mut ask = Ask::post(path, body);
    ask.key = None;
    ask
}

/// Sends without a token, with retries after connection errors.
async fn send(wire: &Wire, ask: &Ask, census: &Census) -> Result<crate::wire::Reply, ApiError> {
    let mut wait = LINE_WAIT;
    let mut last = ApiError::Unreachable("never tried".to_owned());
    for _ in 0..LINE_TRIES {
        one(&census.count.requests);
        match wire.send(ask, None).await {
            Ok(reply) if reply.status != 503 => return Ok(reply),
            Ok(reply) => last = ApiError::Unreachable(reply.text()),
            Err(trouble) => last = trouble,
        }
        one(&census.count.retries);
        let _pause = tokio::time::timeout(wait, std::future::pending::<()>()).await;
        wait = wait.saturating_mul(2);
    }
    Err(last)
}
