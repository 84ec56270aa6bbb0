//! A signed-in device: its tokens, and requests with bounded repetition.

mod codes;
mod pace;
mod stop;
mod tokens;

#[cfg(test)]
mod tests;

pub use codes::{Codes, Mailbox};
pub use pace::{Pace, wall_now};
pub use stop::{StopSignal, stop_pair};
pub use tokens::{Grant, open_session, request_code};

use crate::http::{ApiError, Node, Request, Response};
use crate::model::{Order, Page};
use crate::observer::{Observation, Observer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokens::Tokens;
use tokio::sync::Mutex;

/// Attempts of one request, all with the same idempotency key.
const TRIES: u32 = 8;
/// The first delay before a retry; it doubles after each failure.
const AGAIN_WAIT: Duration = Duration::from_millis(25);
/// The longest delay before a retry.
const AGAIN_WAIT_MAX: Duration = Duration::from_secs(2);

/// What surrounds the sessions of one process.
#[derive(Clone)]
pub struct Context {
    /// The source of one-time codes.
    pub codes: Arc<dyn Codes>,
    /// The speed of the nodes' clock.
    pub pace: Pace,
    /// The stop signal.
    pub stop: StopSignal,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
}

/// A signed-in device of one phone, at one node.
pub struct Session {
    /// The phone they sign in with.
    pub phone: String,
    /// The display name.
    pub name: String,
    node: Node,
    context: Context,
    tokens: Mutex<Tokens>,
}

/// A ticket on the wire.
#[derive(Deserialize)]
struct TicketView {
    ticket: String,
}

impl Session {
    /// Signs in with the code sent to the phone.
    ///
    /// # Errors
    /// The last refusal or connection error.
    pub async fn sign_in(
        node: Node,
        context: &Context,
        phone: &str,
        name: &str,
    ) -> Result<Self, ApiError> {
        let tokens = Tokens::sign_in(&node, context, phone, name).await?;
        Ok(Self {
            phone: phone.to_owned(),
            name: name.to_owned(),
            node,
            context: context.clone(),
            tokens: Mutex::new(tokens),
        })
    }

    /// The person's id.
    pub async fn id(&self) -> String {
        self.tokens.lock().await.person_id.clone()
    }

    /// The node this session speaks to.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What surrounds it.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// A valid access token, refreshed before it expires.
    ///
    /// # Errors
    /// When neither a refresh nor a new sign-in succeeds.
    pub async fn token(&self) -> Result<String, ApiError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.are_old() {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    /// A token other than this one, which the node refused.
    ///
    /// # Errors
    /// When neither a refresh nor a new sign-in succeeds.
    pub async fn token_after(&self, spent: &str) -> Result<String, ApiError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.access == spent {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    /// A one-time ticket for a feed's socket, as a browser needs it.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn ticket(&self, audience: &str) -> Result<String, ApiError> {
        let request = Request::post("/v1/auth/tickets", &json!({ "audience": audience }));
        let view: TicketView = self.read(&request.without_key()).await?;
        Ok(view.ticket)
    }

    async fn renew(&self, tokens: &mut Tokens) -> Result<(), ApiError> {
        *tokens = match tokens.refreshed(&self.node, &self.context, &self.name).await {
            Ok(fresh) => fresh,
            Err(ApiError::Refused(problem)) => {
                self.observe(Observation::Refusal(&problem));
                Tokens::sign_in(&self.node, &self.context, &self.phone, &self.name).await?
            }
            Err(other) => return Err(other),
        };
        Ok(())
    }

    /// Sends a request; repeats it with the same key after a connection error, a `Retry-After` or
    /// an expired token.
    ///
    /// # Errors
    /// The last error when every attempt failed.
    pub async fn send(&self, request: &Request) -> Result<Response, ApiError> {
        let Context { pace, stop, .. } = &self.context;
        let mut wait = AGAIN_WAIT;
        let mut token = self.token().await?;
        let mut last = Err(ApiError::Stopped);
        for _ in 0..TRIES {
            if stop.is_set() {
                return Err(ApiError::Stopped);
            }
            self.observe(Observation::Request);
            let began = Instant::now();
            last = self.node.send(request, Some(&token)).await;
            match &last {
                Ok(response) if response.status == 401 => {
                    token = self.token_after(&token).await?;
                    continue;
                }
                Ok(response) if response.asks_to_wait() => {
                    let asked = response.retry_after_s.map(|secs| pace.real(secs));
                    wait = wait.max(asked.unwrap_or(wait)).min(AGAIN_WAIT_MAX);
                }
                Ok(_) => {
                    if request.key.is_some() {
                        self.observe(Observation::Command(began.elapsed()));
                    }
                    return last;
                }
                Err(_) => {}
            }
            self.observe(Observation::Retry);
            if !stop.rest(wait).await {
                return Err(ApiError::Stopped);
            }
            wait = wait.saturating_mul(2).min(AGAIN_WAIT_MAX);
        }
        last
    }

    /// Sends a request and reads the response as `T`.
    ///
    /// # Errors
    /// As [`Session::send`]; refusals.
    pub async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ApiError> {
        let answer = self.send(request).await?.read();
        self.observed(request, answer)
    }

    /// Sends a request and ignores the response body.
    ///
    /// # Errors
    /// As [`Session::send`]; refusals.
    pub async fn done(&self, request: &Request) -> Result<(), ApiError> {
        let answer = self.send(request).await?.done();
        self.observed(request, answer)
    }

    /// Sends a request whose response is the order.
    ///
    /// # Errors
    /// As [`Session::send`]; refusals.
    pub async fn order(&self, request: &Request) -> Result<Order, ApiError> {
        self.read(request).await
    }

    /// The items of a list from all its pages, at most `pages_max` of them; `path` has a query.
    ///
    /// # Errors
    /// As [`Session::send`]; refusals.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        pages_max: usize,
    ) -> Result<Vec<T>, ApiError> {
        let mut page: Page<T> = self.read(&Request::get(path)).await?;
        let mut items = page.items;
        for _ in 1..pages_max {
            let Some(cursor) = page.next_cursor else { break };
            page = self.read(&Request::get(format!("{path}&cursor={cursor}"))).await?;
            items.append(&mut page.items);
        }
        Ok(items)
    }

    /// Tells the observer.
    pub(crate) fn observe(&self, what: Observation<'_>) {
        self.context.observer.observe(&self.name, what);
    }

    fn observed<T>(&self, request: &Request, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        match &answer {
            Err(ApiError::Refused(problem)) => self.observe(Observation::Refusal(problem)),
            Err(error @ ApiError::Odd(_)) => {
                let path = request.path.as_str();
                tracing::warn!(path, %error, "a response outside the contract");
                self.observe(Observation::OddResponse { path, error });
            }
            Ok(_) | Err(ApiError::Unreachable(_) | ApiError::NoCode(_) | ApiError::Stopped) => {}
        }
        answer
    }
}
