//! A simulated person: one phone, one device, its own tokens, and bounded retries.

use crate::api_error::ApiError;
use crate::ask::Ask;
use crate::census::{Census, one};
use crate::clock_sync::ClockSync;
use crate::codes::Codes;
use crate::pace::{Pace, StopSignal};
use crate::tokens::Tokens;
use crate::views::Order;
use crate::wire::{Reply, Wire};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Attempts of one request, all with the same idempotency key.
const TRIES: u32 = 8;
/// The first delay before a retry; it doubles after each failure.
const AGAIN_WAIT: Duration = Duration::from_millis(25);
/// The longest delay before a retry.
const AGAIN_WAIT_MAX: Duration = Duration::from_secs(2);

/// Resources shared by all simulated people.
#[derive(Clone)]
pub struct Shared {
    /// HTTP clients, one per node.
    pub wires: Arc<Vec<Wire>>,
    /// The source of one-time codes.
    pub codes: Arc<dyn Codes>,
    /// The speed of simulated time.
    pub pace: Pace,
    /// The estimate of the server's time.
    pub clock_sync: Arc<ClockSync>,
    /// The shared statistics.
    pub census: Arc<Census>,
    /// Whether the engine has a payment provider and a bonus campaign.
    pub cards: bool,
    /// The stop signal.
    pub stop: StopSignal,
}

/// A simulated person who acts over the wire.
pub struct Person {
    /// The phone they sign in with.
    pub phone: String,
    /// The display name.
    pub name: String,
    pub(crate) wire: Wire,
    pub(crate) shared: Shared,
    tokens: Mutex<Tokens>,
}

impl Person {
    /// Signs in; `number` spreads people across the nodes.
    pub async fn sign_in(
        shared: &Shared,
        number: usize,
        phone: &str,
        name: &str,
    ) -> Result<Self, ApiError> {
        let nodes = shared.wires.len().max(1);
        let nowhere = || ApiError::Unreachable("no base url was given".to_owned());
        let wire = shared.wires.get(number % nodes).cloned().ok_or_else(nowhere)?;
        let device = format!("{name}'s phone");
        let signing = Tokens::sign_in(&wire, shared, phone, &device);
        let tokens = Mutex::new(signing.await?);
        Ok(Self {
            phone: phone.to_owned(),
            name: name.to_owned(),
            wire,
            shared: shared.clone(),
            tokens,
        })
    }

    /// The person's id.
    pub async fn id(&self) -> String {
        self.tokens.lock().await.person_id.clone()
    }

    /// The address of a feed's socket at this person's node.
    pub fn feed_url(&self, audience: &str) -> String {
        self.wire.feed_url(audience)
    }

    /// A valid access token, refreshed before it expires.
    pub async fn token(&self) -> Result<String, ApiError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.are_old() {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    /// A token other than this one, which the server refused.
    pub async fn token_after(&self, spent: &str) -> Result<String, ApiError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.access == spent {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    async fn renew(&self, tokens: &mut Tokens) -> Result<(), ApiError> {
        let Shared { pace, census, .. } = &self.shared;
        *tokens = match tokens.refreshed(&self.wire, *pace, census).await {
            Ok(fresh) => fresh,
            Err(ApiError::Refused(problem)) => {
                census.refused(&problem);
                let device = format!("{}'s phone", self.name);
                Tokens::sign_in(&self.wire, &self.shared, &self.phone, &device).await?
            }
            Err(other) => return Err(other),
        };
        Ok(())
    }

    /// Sends a request; retries with the same key after a connection error, a `Retry-After` or an
    /// expired token.
    ///
    /// # Errors
    /// Refusals, which are also counted; the last error when every attempt failed.
    pub async fn ask(&self, ask: &Ask) -> Result<Reply, ApiError> {
        let census = &self.shared.census;
        let mut wait = AGAIN_WAIT;
        let mut token = self.token().await?;
        let mut last = Err(ApiError::Stopped);
        for _ in 0..TRIES {
            if self.shared.stop.is_set() {
                return Err(ApiError::Stopped);
            }
            one(&census.count.requests);
            let began = Instant::now();
            last = self.wire.send(ask, Some(&token)).await;
            match &last {
                Ok(reply) if reply.status == 401 => {
                    token = self.token_after(&token).await?;
                    continue;
                }
                Ok(reply) if reply.pleads_to_wait() => {
                    let pleaded = reply.retry_after_s.map(|secs| self.shared.pace.real(secs));
                    wait = wait.max(pleaded.unwrap_or(wait)).min(AGAIN_WAIT_MAX);
                }
                Ok(_) => {
                    if ask.key.is_some() {
                        census.command.record(began.elapsed());
                    }
                    return last;
                }
                Err(_) => {}
            }
            one(&census.count.retries);
            if !self.shared.stop.rest(wait).await {
                return Err(ApiError::Stopped);
            }
            wait = wait.saturating_mul(2).min(AGAIN_WAIT_MAX);
        }
        last
    }

    /// Sends a request and reads the response as `T`.
    pub async fn read<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, ApiError> {
        let answer = self.ask(ask).await?.read();
        self.counted(ask, answer)
    }

    /// Sends a request and ignores the response body.
    pub async fn done(&self, ask: &Ask) -> Result<(), ApiError> {
        let answer = self.ask(ask).await?.done();
        self.counted(ask, answer)
    }

    /// Sends a request whose response is the order.
    pub async fn order(&self, ask: &Ask) -> Result<Order, ApiError> {
        self.read(ask).await
    }

    fn counted<T>(&self, ask: &Ask, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        match &answer {
            Err(ApiError::Refused(problem)) => self.shared.census.refused(problem),
            Err(odd @ ApiError::Odd(_)) => {
                one(&self.shared.census.count.odd_answers);
                tracing::warn!(path = ask.path, %odd, "odd answer");
                self.shared.census.tell(&self.name, format!("odd answer on {}", ask.path));
            }
            _fine => {}
        }
        answer
    }
}
