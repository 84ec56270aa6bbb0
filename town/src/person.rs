//! A person: one phone, one device, tokens of their own, and the patience to ask again.

use crate::ask::Ask;
use crate::census::{Census, one};
use crate::codes::Codes;
use crate::pace::{Pace, Stop};
use crate::sundial::Sundial;
use crate::tokens::Tokens;
use crate::trouble::Trouble;
use crate::views::Order;
use crate::wire::{Reply, Wire};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Tries of one request, all with the same idempotency key.
const TRIES: u32 = 8;
/// The first wait before asking again; each further one doubles.
const AGAIN_WAIT: Duration = Duration::from_millis(25);
/// The longest wait before asking again.
const AGAIN_WAIT_MAX: Duration = Duration::from_secs(2);

/// What everybody in the town shares.
#[derive(Clone)]
pub struct Shared {
    /// The lines to the nodes.
    pub wires: Arc<Vec<Wire>>,
    /// Where codes are read.
    pub codes: Arc<dyn Codes>,
    /// The pace of time.
    pub pace: Pace,
    /// The engine's time.
    pub sundial: Arc<Sundial>,
    /// Where everything is counted.
    pub census: Arc<Census>,
    /// Whether there is a payment provider to pay at, and a campaign of bonus.
    pub cards: bool,
    /// When it is over.
    pub stop: Stop,
}

/// Somebody who acts over the wire.
pub struct Person {
    /// The phone they sign in with.
    pub phone: String,
    /// What people call them.
    pub name: String,
    pub(crate) wire: Wire,
    pub(crate) shared: Shared,
    tokens: Mutex<Tokens>,
}

impl Person {
    /// Signs in; `number` spreads people over the nodes.
    pub async fn sign_in(
        shared: &Shared,
        number: usize,
        phone: &str,
        name: &str,
    ) -> Result<Self, Trouble> {
        let nodes = shared.wires.len().max(1);
        let nowhere = || Trouble::Unreachable("no base url was given".to_owned());
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

    /// A token that is still good, refreshed in time.
    pub async fn token(&self) -> Result<String, Trouble> {
        let mut tokens = self.tokens.lock().await;
        if tokens.are_old() {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    /// A token other than this one, which was turned away.
    pub async fn token_after(&self, spent: &str) -> Result<String, Trouble> {
        let mut tokens = self.tokens.lock().await;
        if tokens.access == spent {
            self.renew(&mut tokens).await?;
        }
        Ok(tokens.access.clone())
    }

    async fn renew(&self, tokens: &mut Tokens) -> Result<(), Trouble> {
        let Shared { pace, census, .. } = &self.shared;
        *tokens = match tokens.refreshed(&self.wire, *pace, census).await {
            Ok(fresh) => fresh,
            Err(Trouble::Refused(problem)) => {
                census.refused(&problem);
                let device = format!("{}'s phone", self.name);
                Tokens::sign_in(&self.wire, &self.shared, &self.phone, &device).await?
            }
            Err(other) => return Err(other),
        };
        Ok(())
    }

    /// Asks, and asks again with the same key when the line breaks, the engine pleads to wait or
    /// the token was old.
    ///
    /// # Errors
    /// Refusals are counted and handed back; the last trouble when no try helped.
    pub async fn ask(&self, ask: &Ask) -> Result<Reply, Trouble> {
        let census = &self.shared.census;
        let mut wait = AGAIN_WAIT;
        let mut token = self.token().await?;
        let mut last = Err(Trouble::Stopped);
        for _ in 0..TRIES {
            if self.shared.stop.is_set() {
                return Err(Trouble::Stopped);
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
                return Err(Trouble::Stopped);
            }
            wait = wait.saturating_mul(2).min(AGAIN_WAIT_MAX);
        }
        last
    }

    /// Asks and reads the answer as `T`.
    pub async fn read<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Trouble> {
        let answer = self.ask(ask).await?.read();
        self.counted(ask, answer)
    }

    /// Asks for something whose answer says nothing more.
    pub async fn done(&self, ask: &Ask) -> Result<(), Trouble> {
        let answer = self.ask(ask).await?.done();
        self.counted(ask, answer)
    }

    /// Asks for something whose answer is the order.
    pub async fn order(&self, ask: &Ask) -> Result<Order, Trouble> {
        self.read(ask).await
    }

    fn counted<T>(&self, ask: &Ask, answer: Result<T, Trouble>) -> Result<T, Trouble> {
        match &answer {
            Err(Trouble::Refused(problem)) => self.shared.census.refused(problem),
            Err(odd @ Trouble::Odd(_)) => {
                one(&self.shared.census.count.odd_answers);
                tracing::warn!(path = ask.path, %odd, "odd answer");
                self.shared.census.tell(&self.name, format!("odd answer on {}", ask.path));
            }
            _fine => {}
        }
        answer
    }
}
