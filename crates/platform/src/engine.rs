//! The engine: the one way to change data. It runs a command, commits, and wakes listeners.
//!
//! Only [`Engine::execute`] and [`Engine::fire`] know the command's type; the road behind them is
//! the same code for all commands.

pub mod audit;
pub mod by;
pub mod command;
pub(super) mod commit;
pub(super) mod erased;
pub mod flush;
pub mod idempotency;
pub mod lock_order;
pub mod row_cache;
pub(super) mod script;
pub mod shared;
pub mod sql;
pub mod transaction;
pub mod turns;
pub mod write_set;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::value::Instant;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use crate::bus::Bus;
use crate::clock::{Clock, pause};
use crate::codes::General;
use crate::crypto::Keys;
use crate::db::Db;
use crate::refusal::{CommandError, Fault, Refused};
use by::By;
use command::Command;
use commit::CommitOutcome;
use erased::{ErasedCommand, erased, typed};
use idempotency::Key;
use shared::Shared;
use transaction::Tx;
use write_set::{Fired, WriteSet};

/// Most runs of one contended command.
pub const RUNS_MAX: u32 = 12;

/// The engine: cheap to clone. `X` is the context that the product shares with its commands; the
/// engine only hands it on.
pub struct Engine<X> {
    shared: Arc<Shared>,
    context: Arc<X>,
}

impl<X> Clone for Engine<X> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), context: Arc::clone(&self.context) }
    }
}

/// An answer, and whether it is a replay.
#[derive(Debug)]
pub struct Done<A> {
    /// The answer of the command.
    pub answer: A,
    /// Was it the stored answer of the first run?
    pub replayed: bool,
}

/// Where the answer of a command is.
enum Ended {
    /// It ran: in the command.
    Ran,
    /// It ran before: this is what was stored.
    Before(String),
}

type Boxed<X> = Box<dyn ErasedCommand<X>>;

impl<X: Send + Sync + 'static> Engine<X> {
    /// An engine on this database, with what its commands share.
    #[must_use]
    pub fn new(
        db: Db,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
        bus: Arc<dyn Bus>,
        context: X,
    ) -> Self {
        let shared = Shared::new(db, keys, clock, bus);
        Self { shared: Arc::new(shared), context: Arc::new(context) }
    }

    /// The state that all commands share.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the product shares with all commands.
    #[must_use]
    pub fn context(&self) -> &X {
        &self.context
    }

    /// Runs a command to its end, whether or not its sender still waits.
    ///
    /// # Errors
    /// Why it did not commit; nothing of it is stored then.
    pub async fn execute<C: Command<X>>(
        &self,
        by: By,
        key: Option<Key>,
        command: C,
    ) -> Result<Done<C::Answer>, CommandError> {
        let (command, ended) = self.spawned(by, key, erased(command)).await?;
        done(command, ended)
    }

    /// Runs the command of a timer that fell due. A refusal still consumes the timer: firing twice
    /// is harmless.
    ///
    /// # Errors
    /// Only faults; a timer that is gone or was armed again is no error.
    pub async fn fire<C: Command<X>>(&self, fired: &Fired, command: C) -> Result<(), CommandError> {
        self.fired(fired, erased(command)).await
    }

    /// Consumes a fired timer without running a command.
    ///
    /// # Errors
    /// Only faults.
    pub async fn consume(&self, fired: &Fired) -> Result<(), CommandError> {
        let writes = WriteSet { fired: Some(fired.clone()), ..WriteSet::default() };
        match self.shared.commit(writes, None, self.shared.clock.now(), 0).await {
            CommitOutcome::Not(CommandError::StaleTimer) | CommitOutcome::Done => Ok(()),
            CommitOutcome::Not(stop) => Err(stop),
            CommitOutcome::Again | CommitOutcome::Replay => Err(CommandError::Contended),
        }
    }

    async fn spawned(
        &self,
        by: By,
        key: Option<Key>,
        mut command: Boxed<X>,
    ) -> Result<(Boxed<X>, Ended), CommandError> {
        let (engine, name) = (self.clone(), command.name());
        let task = async move {
            let ended = engine.run(by, key.as_ref(), None, command.as_mut()).await;
            ended.map(|ended| (command, ended))
        };
        let span = tracing::info_span!("command", name);
        match self.shared.runtime.spawn(task.instrument(span)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Fault::Other(format!("{name} broke: {error}")).into()),
        }
    }

    async fn fired(&self, fired: &Fired, mut command: Boxed<X>) -> Result<(), CommandError> {
        match self.run(By::CLOCK, None, Some(fired), command.as_mut()).await {
            Ok(_) | Err(CommandError::StaleTimer) => Ok(()),
            Err(CommandError::Refused(refused)) => {
                tracing::debug!(
                    kind = fired.kind.as_str(),
                    code = refused.code,
                    "a timer came too late"
                );
                self.consume(fired).await
            }
            Err(stop) => Err(stop),
        }
    }

    async fn run(
        &self,
        by: By,
        key: Option<&Key>,
        fired: Option<&Fired>,
        command: &mut dyn ErasedCommand<X>,
    ) -> Result<Ended, CommandError> {
        let started = std::time::Instant::now();
        let name = command.name();
        let outcome = self.attempts(by, key, fired, command).await;
        let result = match &outcome {
            Ok(_) => "done",
            Err(CommandError::Refused(_)) => "refused",
            Err(CommandError::Contended) => "contended",
            Err(CommandError::StaleTimer) => "outdated",
            Err(CommandError::NotServing(_)) => "not_serving",
            Err(CommandError::Fault(fault)) => {
                if matches!(fault, Fault::Unavailable(_)) {
                    self.shared.db.storage.suspect();
                }
                "fault"
            }
        };
        metrics::histogram!("yumo_command_seconds", "command" => name, "result" => result)
            .record(started.elapsed());
        outcome
    }

    async fn attempts(
        &self,
        by: By,
        key: Option<&Key>,
        fired: Option<&Fired>,
        command: &mut dyn ErasedCommand<X>,
    ) -> Result<Ended, CommandError> {
        // What it has the turn of it keeps until it has landed, over all its runs.
        let (mut turns, recovers) = (Vec::new(), command.recovers());
        for attempt in 0..RUNS_MAX {
            if attempt > 1 {
                pause(Duration::from_millis(u64::from(rand::random_range(0..=attempt * 2)))).await;
            }
            let now = instant_of(self.instant(recovers).await?, fired);
            let use_cache = attempt == 0;
            let mut tx = Tx::begin(now, by, &self.shared, &self.context, fired.cloned(), use_cache);
            tx.has_turns(turns);
            let ran = command.run(&mut tx).await;
            turns = tx.take_turns();
            match ran {
                // The run spans an outage: no request could be served at its instant.
                Ok(()) | Err(CommandError::Refused(_)) if self.stands_still(recovers) => continue,
                // A result that rests only on cached rows needs a run on fresh reads.
                Ok(()) if tx.cached_reads() && tx.writes.is_empty() => continue,
                Ok(()) => {}
                Err(CommandError::Contended) => continue,
                Err(CommandError::Refused(_)) if tx.cached_reads() => continue,
                Err(CommandError::Refused(refused)) => return self.refuse(key, *refused).await,
                Err(stop) => return Err(stop),
            }
            if let Some(key) = key {
                tx.writes.key = Some(key.cells(command.stored()?, now));
            }
            let cached_reads = tx.cached_reads();
            let (writes, outcome) = tx.done();
            match self.shared.commit(writes, key, now, attempt).await {
                CommitOutcome::Done => {
                    for keep in outcome {
                        keep(&self.shared.row_cache);
                    }
                    return Ok(Ended::Ran);
                }
                CommitOutcome::Not(CommandError::Refused(_)) if cached_reads => {}
                CommitOutcome::Again => metrics::counter!("yumo_command_reruns").increment(1),
                CommitOutcome::Replay => {
                    if let Some(done) = self.replay(key).await? {
                        return Ok(done);
                    }
                }
                CommitOutcome::Not(CommandError::Refused(refused)) => {
                    return self.refuse(key, *refused).await;
                }
                CommitOutcome::Not(stop) => return Err(stop),
            }
        }
        Err(CommandError::Contended)
    }

    /// The instant of a run; after a gap, only once the deadlines that fell into it have been
    /// extended (OUT-1).
    async fn instant(&self, recovers: bool) -> Result<Instant, CommandError> {
        let Shared { clock, serving, db, .. } = &*self.shared;
        if recovers {
            return Ok(clock.now());
        }
        if serving.now(clock.now()).is_err() && !db.storage.writable() {
            // There is nothing to wait for: fail at once.
            return Err(Fault::Unavailable("the database takes no writes".to_owned()).into());
        }
        Ok(serving.instant(clock.as_ref()).await?)
    }

    /// Has a gap opened since the run began?
    fn stands_still(&self, recovers: bool) -> bool {
        !recovers && self.shared.serving.now(self.shared.clock.now()).is_err()
    }

    /// A refusal, unless the same command was answered before.
    async fn refuse(&self, key: Option<&Key>, refused: Refused) -> Result<Ended, CommandError> {
        match self.replay(key).await? {
            Some(done) => Ok(done),
            None => Err(refused.into()),
        }
    }

    async fn replay(&self, key: Option<&Key>) -> Result<Option<Ended>, CommandError> {
        let Some(key) = key else { return Ok(None) };
        let Some(stored) = key.find(&self.shared.db.write).await? else { return Ok(None) };
        if stored.body_hash != key.body_hash {
            return Err(General::KeyReused.into());
        }
        Ok(Some(Ended::Before(stored.answer)))
    }
}

/// The instant of a command: a timer that fell due stays due, even if the machine's clock was set
/// back or is behind the clock of the node that armed it.
fn instant_of(now: Instant, fired: Option<&Fired>) -> Instant {
    fired.map_or(now, |fired| now.max(fired.due_at + TimeDelta::microseconds(1)))
}

/// The answer of a command, with its type.
fn done<X: 'static, A: DeserializeOwned + 'static>(
    command: Boxed<X>,
    ended: Ended,
) -> Result<Done<A>, CommandError> {
    Ok(match ended {
        Ended::Ran => Done { answer: typed(command)?, replayed: false },
        Ended::Before(stored) => Done { answer: serde_json::from_str(&stored)?, replayed: true },
    })
}
