//! The tokens of one session: sign-in, early refresh, and a new sign-in when a refresh fails.

use super::{Context, Pace};
use crate::http::{ApiError, Node, Request, Response};
use crate::observer::Observation;
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

/// The request for a one-time code to a phone.
pub fn request_code(phone: &str) -> Request {
    Request::post("/v1/auth/otp", &json!({ "phone": phone })).without_key()
}

/// The request that opens a session with a code; its response is a [`Grant`].
pub fn open_session(phone: &str, code: &str, device: &str) -> Request {
    let device_id = format!("installation of {phone}");
    let body = json!({ "phone": phone, "code": code, "device": device, "device_id": device_id });
    Request::post("/v1/auth/sessions", &body).without_key()
}

/// Granted tokens.
#[derive(Debug, Deserialize)]
pub struct Grant {
    /// For the `Authorization` header.
    pub access_token: String,
    /// Seconds until the access token expires, by the server's clock.
    pub expires_in: u64,
    /// Exchanged once for the next tokens.
    pub refresh_token: String,
    /// The person's id; a refresh may leave it out.
    #[serde(default)]
    pub person_id: String,
}

/// A person's tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    /// For the `Authorization` header.
    pub(super) access: String,
    /// The person's id.
    pub(super) person_id: String,
    refresh: String,
    refresh_from: Instant,
}

impl Tokens {
    fn from(grant: Grant, pace: Pace) -> Self {
        let lives = pace.real(grant.expires_in);
        let refresh_from = Instant::now() + lives.mul_f32(0.7);
        Self {
            access: grant.access_token,
            person_id: grant.person_id,
            refresh: grant.refresh_token,
            refresh_from,
        }
    }

    /// Whether they should be refreshed before the next use.
    pub(super) fn are_old(&self) -> bool {
        Instant::now() >= self.refresh_from
    }

    /// Signs in with the code sent to the phone; if one was sent recently, waits for the next.
    pub(super) async fn sign_in(
        node: &Node,
        context: &Context,
        phone: &str,
        name: &str,
    ) -> Result<Self, ApiError> {
        let Context { codes, pace, stop, observer } = context;
        let mut last = ApiError::NoCode(phone.to_owned());
        for _ in 0..SIGN_IN_TRIES {
            let sent = send(node, &request_code(phone), context, name).await?;
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
            let request = open_session(phone, &code, &format!("{name}'s phone"));
            match send(node, &request, context, name).await?.read() {
                Ok(grant) => {
                    observer.observe(name, Observation::SignIn);
                    return Ok(Self::from(grant, *pace));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Exchanges the refresh token for new tokens.
    pub(super) async fn refreshed(
        &self,
        node: &Node,
        context: &Context,
        name: &str,
    ) -> Result<Self, ApiError> {
        let body = json!({ "refresh_token": self.refresh });
        let request = Request::post("/v1/auth/refresh", &body).without_key();
        let mut grant: Grant = send(node, &request, context, name).await?.read()?;
        if grant.person_id.is_empty() {
            grant.person_id.clone_from(&self.person_id);
        }
        context.observer.observe(name, Observation::Refresh);
        Ok(Self::from(grant, context.pace))
    }
}

/// Sends without a token, with retries after connection errors.
async fn send(
    node: &Node,
    request: &Request,
    context: &Context,
    name: &str,
) -> Result<Response, ApiError> {
    let mut wait = LINE_WAIT;
    let mut last = ApiError::Unreachable("never tried".to_owned());
    for _ in 0..LINE_TRIES {
        context.observer.observe(name, Observation::Request);
        match node.send(request, None).await {
            Ok(response) if response.status != 503 => return Ok(response),
            Ok(response) => last = ApiError::Unreachable(response.text()),
            Err(error) => last = error,
        }
        context.observer.observe(name, Observation::Retry);
        let _pause = tokio::time::timeout(wait, std::future::pending::<()>()).await;
        wait = wait.saturating_mul(2);
    }
    Err(last)
}
