//! The prover: proves the books and folds what is proven into the checkpoint. A lease lets one node
//! at a time run it; the other nodes read its result from a shared row (BAL-6).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{NaiveTime, TimeDelta};
use entity::proof_state::Model as State;
use entity::value::Instant;
use uuid::Uuid;

use super::finding::{Proof, UNREADABLE};
use super::run::Proved;
use super::{result, run};
use crate::context::Engine;
use crate::ledger::checkpoint;
use platform::clock::pause;
use platform::failure::transient;
use platform::{CommandError, Fault};

/// Consecutive proofs that fail to run, for a non-transient reason, before acceptances stop.
const FAILURES_MAX: u32 = 3;
/// Time without a successful proof after which an alarm fires, whatever the reason.
const STALE: TimeDelta = TimeDelta::minutes(15);

/// The prover's settings, from `config/default.toml`.
#[derive(Clone, Copy, Debug)]
pub struct ProverSettings {
    /// Seconds between two proofs.
    pub every_s: u64,
    /// Seconds between two reads of the shared result.
    pub learn_s: u64,
    /// The hour of the day, UTC, at which the whole proof runs.
    pub whole_hour_utc: u32,
}

/// The result of a round.
#[derive(Clone, Debug, PartialEq)]
pub enum Round {
    /// Another node has the lease.
    Followed,
    /// The incremental proof ran.
    Step(Proof),
    /// The whole proof ran.
    Whole(Proof),
}

/// The prover of one node.
pub struct Prover {
    engine: Engine,
    node: Uuid,
    pace: ProverSettings,
    failures: AtomicU32,
}

impl Prover {
    /// The prover of this engine.
    #[must_use]
    pub fn new(engine: Engine, pace: ProverSettings) -> Self {
        Self { engine, node: Uuid::new_v4(), pace, failures: AtomicU32::new(0) }
    }

    /// Runs rounds for as long as it is polled.
    pub async fn run(&self) {
        loop {
            if let Err(stop) = self.round().await {
                tracing::warn!(?stop, "the proof could not run");
            }
            pause(Duration::from_secs(self.pace.every_s.max(1))).await;
        }
    }

    /// Reads the shared result of whichever node proves, for as long as it is polled.
    pub async fn follow(&self) {
        loop {
            if let Err(stop) = result::learn(&self.engine).await {
                tracing::debug!(?stop, "what the proof said was not learnt");
            }
            pause(Duration::from_secs(self.pace.learn_s.max(1))).await;
        }
    }

    /// Releases the lease.
    pub async fn stop(&self) {
        if let Err(error) = result::release(&self.engine.shared().db.write, self.node).await {
            tracing::debug!(%error, "the lease of the prover ends by itself");
        }
    }

    /// One round: takes the lease, proves, records the result, folds; without the lease it only
    /// reads the shared result. After three consecutive non-transient failures all acceptances
    /// stop, because the books are unverified. An outage of the database does not count: nothing
    /// can be accepted during it anyway.
    ///
    /// # Errors
    /// When the proof could not run.
    pub async fn round(&self) -> Result<Round, CommandError> {
        let outcome = self.attempt().await;
        match &outcome {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(stop) if transient(stop) => {}
            Err(stop) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures >= FAILURES_MAX {
                    tracing::error!(alarm = "books_unproved", ?stop, "acceptances stop");
                    metrics::counter!("yumo_books_alarms").increment(1);
                    result::unprovable(&self.engine.shared().db.write).await?;
                    result::learn(&self.engine).await?;
                }
            }
        }
        outcome
    }

    async fn attempt(&self) -> Result<Round, CommandError> {
        let db = &self.engine.shared().db;
        if !result::lease(&db.write, self.node, self.lease_s()).await? {
            result::learn(&self.engine).await?;
            return Ok(Round::Followed);
        }
        let state = result::state(&db.read).await?;
        let now = self.engine.shared().clock.now();
        Self::stale(&state, now);
        let whole = !state.whole_ok || whole_due(state.whole_at, now, self.pace.whole_hour_utc);
        let proving = prove(&self.engine, whole);
        tokio::pin!(proving);
        let proof = loop {
            tokio::select! {
                proof = &mut proving => break proof?,
                () = pause(Duration::from_secs(self.lease_s() / 3)) => {
                    result::lease(&db.write, self.node, self.lease_s()).await?;
                }
            }
        };
        Ok(if whole { Round::Whole(proof) } else { Round::Step(proof) })
    }

    /// The lease covers two proof intervals.
    fn lease_s(&self) -> u64 {
        (self.pace.every_s.max(1) * 2).max(30)
    }

    fn stale(state: &State, now: Instant) {
        if state.held_at.is_some_and(|held| now - held > STALE) && standing_holds(state) {
            tracing::error!(alarm = "books_unproved", since = ?state.held_at, "no proof has held");
            metrics::counter!("yumo_books_alarms").increment(1);
        }
    }
}

/// Whether the newest proofs held. Then an old success means that no proof could run.
fn standing_holds(state: &State) -> bool {
    state.whole_ok && state.step_ok
}

/// Runs the whole proof on demand; its result becomes the shared result of all nodes.
///
/// # Errors
/// When the database fails.
pub async fn on_demand(engine: &Engine) -> Result<Proof, CommandError> {
    prove(engine, true).await
}

/// Runs a proof in a task of its own, which ends whether or not the caller waits; records the
/// result and folds what was proven.
async fn prove(engine: &Engine, whole: bool) -> Result<Proof, CommandError> {
    let engine = engine.clone();
    let task = tokio::spawn(async move {
        let started = std::time::Instant::now();
        let Proved { proof, at, pending } = run::run(&engine, whole).await?;
        let kind = if whole { "whole" } else { "step" };
        metrics::histogram!("yumo_proof_seconds", "kind" => kind).record(started.elapsed());
        alarms(&proof);
        let db = &engine.shared().db;
        result::record(&db.write, &proof, at, whole).await?;
        result::learn(&engine).await?;
        if proof.holds() {
            checkpoint::fold(&db.write, &pending).await?;
        }
        Ok(proof)
    });
    task.await.unwrap_or_else(|error| Err(Fault::Other(format!("the proof broke: {error}")).into()))
}

fn alarms(proof: &Proof) {
    let (unreadable, wrong): (Vec<_>, Vec<_>) =
        proof.violations.iter().partition(|violation| violation.check == UNREADABLE);
    metrics::gauge!("yumo_rows_unreadable")
        .set(u32::try_from(unreadable.len()).map_or(f64::MAX, f64::from));
    if !unreadable.is_empty() {
        tracing::error!(alarm = "rows_unreadable", rows = ?unreadable, "rows cannot be decoded");
    }
    if !wrong.is_empty() {
        tracing::error!(alarm = "books_wrong", violations = ?wrong, "acceptances stop");
        metrics::counter!("yumo_books_alarms").increment(1);
    }
}

/// Whether the nightly whole proof is due: the newest one is older than the last occurrence of the
/// hour, or there is none.
#[must_use]
pub fn whole_due(newest: Option<Instant>, now: Instant, hour_utc: u32) -> bool {
    let Some(newest) = newest else { return true };
    let hour = NaiveTime::from_hms_opt(hour_utc.min(23), 0, 0).unwrap_or(NaiveTime::MIN);
    let today = now.date_naive().and_time(hour).and_utc();
    let struck = if today <= now { today } else { today - TimeDelta::days(1) };
    newest < struck
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    /// BAL-6: the whole proof runs once a night, at once where there was none, and at the next
    /// opportunity where the hour was missed.
    #[test]
    fn bal_6_the_whole_proof_is_nightly() {
        let due = |newest: &str, now: &str| whole_due(Some(at(newest)), at(now), 23);
        assert!(whole_due(None, at("2026-11-20T08:00:00Z"), 23));
        assert!(!due("2026-11-20T08:00:00Z", "2026-11-20T22:59:59Z"));
        assert!(due("2026-11-20T08:00:00Z", "2026-11-20T23:00:00Z"));
        assert!(!due("2026-11-20T23:00:00Z", "2026-11-20T23:01:00Z"));
        assert!(!due("2026-11-20T23:00:30Z", "2026-11-21T22:59:00Z"));
        assert!(due("2026-11-20T22:59:00Z", "2026-11-21T10:00:00Z"));
    }
}
