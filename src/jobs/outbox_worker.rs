//! The outbox worker of a node: claims messages for each consumer, sends their command, and queues
//! again what failed.
//!
//! The loop repeats a step that tests can call directly.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::outbox_delivery::Consumer;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::context::Engine;
use crate::statistics::count::CountEvents;
use platform::bus::Wake;
use platform::clock::pause;
use platform::outbox::{self, ClaimedMessage};
use platform::{By, CommandError, failure};

/// The pause between two polls, in case a wake-up was lost.
const POLL: Duration = Duration::from_secs(2);
/// How long a worker waits after a wake-up, so that one claim takes what many commands wrote.
const GATHER: Duration = Duration::from_millis(250);
/// How often the backlog is measured.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// When what could not be worked on now is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs the command of a consumer for these messages.
async fn send(
    engine: &Engine,
    consumer: Consumer,
    claimed: Vec<ClaimedMessage>,
) -> Result<(), CommandError> {
    match consumer {
        Consumer::Statistics => {
            engine.execute(By::CLOCK, None, CountEvents { claimed }).await.map(|done| done.answer)
        }
    }
}

/// The outbox worker of one node.
pub struct OutboxWorker {
    engine: Engine,
}

impl OutboxWorker {
    /// A worker on this engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// The time that passes on the engine's clock while `real` time passes.
    fn on_the_clock(&self, real: Duration) -> TimeDelta {
        let passed = real.saturating_mul(self.engine.shared().clock.speed());
        TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX)
    }

    /// Works on one claim of each consumer; returns how many messages were claimed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn step(&self) -> Result<usize, CommandError> {
        let mut worked = 0;
        for consumer in outbox::consumers() {
            let claimed = self.claim(consumer).await?;
            worked += claimed.len();
            self.work(consumer, claimed).await?;
        }
        Ok(worked)
    }

    /// Claims a batch for a consumer, and parks what was claimed too often.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, consumer: Consumer) -> Result<Vec<ClaimedMessage>, CommandError> {
        let shared = self.engine.shared();
        let now = shared.clock.now();
        outbox::park_lost(&shared.db.write, consumer, now).await?;
        let lease_until = now + self.on_the_clock(outbox::LEASE);
        Ok(outbox::claim(&shared.db, consumer, now, lease_until).await?)
    }

    /// Works on claimed messages: all in one command; where that fails, each by itself, so that one
    /// message delays no other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work(
        &self,
        consumer: Consumer,
        claimed: Vec<ClaimedMessage>,
    ) -> Result<(), CommandError> {
        if claimed.is_empty() {
            return Ok(());
        }
        let Err(stop) = send(&self.engine, consumer, claimed.clone()).await else { return Ok(()) };
        if claimed.len() == 1 || failure::transient(&stop) {
            for message in &claimed {
                self.put_back(message, &stop).await?;
            }
            return Ok(());
        }
        for message in claimed {
            if let Err(stop) = send(&self.engine, consumer, vec![message.clone()]).await {
                self.put_back(&message, &stop).await?;
            }
        }
        Ok(())
    }

    async fn put_back(
        &self,
        message: &ClaimedMessage,
        stop: &CommandError,
    ) -> Result<(), CommandError> {
        let shared = self.engine.shared();
        let now = shared.clock.now();
        if failure::transient(stop) {
            let again = now + self.on_the_clock(AGAIN);
            outbox::returned(&shared.db.write, message, again).await?;
        } else {
            tracing::warn!(consumer = %message.consumer, id = %message.message.id, ?stop, "a message failed");
            outbox::failed(&shared.db.write, message, now, &format!("{stop:?}")).await?;
        }
        Ok(())
    }

    /// Works until the engine stops: after a wake-up, and at each poll.
    pub async fn run(&self) {
        let mut wakes = self.engine.shared().bus.listen();
        let mut reported: Option<Instant> = None;
        loop {
            match self.step().await {
                Ok(0) => {
                    let _ = tokio::time::timeout(POLL, woken(&mut wakes)).await;
                    pause(GATHER).await;
                }
                Ok(_) => {}
                Err(stop) => {
                    tracing::warn!(?stop, "the outbox could not be read");
                    pause(AGAIN).await;
                }
            }
            if reported.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
                reported = Some(Instant::now());
                self.report().await;
            }
        }
    }

    /// Measures the backlog of each consumer.
    async fn report(&self) {
        let shared = self.engine.shared();
        for consumer in outbox::consumers() {
            let Ok(backlog) = outbox::backlog(&shared.db.read, consumer).await else { return };
            let oldest =
                backlog.oldest_at.map(|at| (shared.clock.now() - at).max(TimeDelta::zero()));
            let age = oldest.unwrap_or_default().as_seconds_f64();
            let name = consumer.to_string();
            let count = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
            metrics::gauge!("yumo_outbox_pending", "consumer" => name.clone())
                .set(count(backlog.pending));
            metrics::gauge!("yumo_outbox_oldest_seconds", "consumer" => name.clone()).set(age);
            metrics::gauge!("yumo_outbox_parked", "consumer" => name).set(count(backlog.parked));
        }
    }
}

/// Waits until somebody wrote a message.
async fn woken(wakes: &mut Receiver<Wake>) {
    loop {
        match wakes.recv().await {
            Ok(wake) if wake.topics.iter().any(|topic| topic == outbox::TOPIC || topic == "*") => {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
