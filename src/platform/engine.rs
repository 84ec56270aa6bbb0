//! The engine: the one way to change data. It runs a command, flushes, commits, and wakes
//! listeners.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use entity::value::Instant;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::bus::Bus;
use super::clock::{Clock, pause};
use super::codes::General;
use super::command::{By, Command};
use super::crypto::Keys;
use super::db::{Db, WriteError};
use super::epoch::FeedEpoch;
use super::feed::Tail;
use super::flush::{Flusher, Numbers};
use super::idempotency::Key;
use super::refusal::{CommandError, Fault, Refused};
use super::row_cache::{self, RowCache};
use super::serving::Serving;
use super::sql::{self, Guard, KEY_UNIQUE, Script, StatementPlan};
use super::timers::Timers;
use super::turns::Turns;
use super::tx::Tx;
use super::write_set::{Fired, WriteSet};

/// Most runs of one contended command.
pub const RUNS_MAX: u32 = 12;

/// The state that all commands share.
pub struct Shared {
    /// The database.
    pub db: Db,
    /// The keys that seal personal data.
    pub keys: Arc<Keys>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Wake-ups.
    pub bus: Arc<dyn Bus>,
    /// Near timers.
    pub timers: Arc<Timers>,
    /// The newest events of busy feeds.
    pub tail: Tail,
    /// The epoch of the feeds.
    pub epoch: FeedEpoch,
    /// The row cache of this node.
    pub row_cache: Arc<RowCache>,
    /// Whether this node may decide now.
    pub serving: Serving,
    /// Whose turn it is to take the next number of a sequence.
    pub turns: Turns,
    flusher: Flusher,
    runtime: Handle,
}

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

enum CommitOutcome {
    Done,
    Again,
    Replay,
    Not(CommandError),
}

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
        let flusher = Flusher::new(&db);
        let row_cache = Arc::new(RowCache::default());
        tokio::spawn(row_cache::follow(bus.listen(), Arc::clone(&row_cache)));
        let shared = Shared {
            timers: Arc::new(Timers::new()),
            tail: Tail::new(),
            epoch: FeedEpoch::default(),
            row_cache,
            serving: Serving::default(),
            turns: Turns::default(),
            flusher,
            runtime: Handle::current(),
            db,
            keys,
            clock,
            bus,
        };
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
        let engine = self.clone();
        let span = tracing::info_span!("command", name = C::NAME);
        let task = async move { engine.run(by, key.as_ref(), None, &command).await };
        match self.shared.runtime.spawn(task.instrument(span)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Fault::Other(format!("{} broke: {error}", C::NAME)).into()),
        }
    }

    /// Runs the command of a timer that fell due. A refusal still consumes the timer: firing twice
    /// is harmless.
    ///
    /// # Errors
    /// Only faults; a timer that is gone or was armed again is no error.
    pub async fn fire<C: Command<X>>(&self, fired: &Fired, command: C) -> Result<(), CommandError> {
        match self.run(By::CLOCK, None, Some(fired), &command).await {
            Ok(_) | Err(CommandError::StaleTimer) => Ok(()),
            Err(CommandError::Refused(refused)) => {
                tracing::debug!(kind = fired.kind, code = refused.code, "a timer came too late");
                self.consume(fired).await
            }
            Err(stop) => Err(stop),
        }
    }

    /// Consumes a fired timer without running a command.
    ///
    /// # Errors
    /// Only faults.
    pub async fn consume(&self, fired: &Fired) -> Result<(), CommandError> {
        let writes = WriteSet { fired: Some(fired.clone()), ..WriteSet::default() };
        match self.commit(writes, None, self.shared.clock.now(), 0).await {
            CommitOutcome::Not(CommandError::StaleTimer) | CommitOutcome::Done => Ok(()),
            CommitOutcome::Not(stop) => Err(stop),
            CommitOutcome::Again | CommitOutcome::Replay => Err(CommandError::Contended),
        }
    }

    async fn run<C: Command<X>>(
        &self,
        by: By,
        key: Option<&Key>,
        fired: Option<&Fired>,
        command: &C,
    ) -> Result<Done<C::Answer>, CommandError> {
        let started = std::time::Instant::now();
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
        metrics::histogram!("yumo_command_seconds", "command" => C::NAME, "result" => result)
            .record(started.elapsed());
        outcome
    }

    async fn attempts<C: Command<X>>(
        &self,
        by: By,
        key: Option<&Key>,
        fired: Option<&Fired>,
        command: &C,
    ) -> Result<Done<C::Answer>, CommandError> {
        // What it has the turn of it keeps until it has landed, over all its runs.
        let mut turns = Vec::new();
        for attempt in 0..RUNS_MAX {
            if attempt > 1 {
                pause(Duration::from_millis(u64::from(rand::random_range(0..=attempt * 2)))).await;
            }
            let now = instant_of(self.instant::<C>().await?, fired);
            let use_cache = attempt == 0;
            let mut tx = Tx::begin(now, by, self, fired.cloned(), use_cache);
            tx.has_turns(turns);
            let ran = command.run(&mut tx).await;
            turns = tx.take_turns();
            let answer = match ran {
                // The run spans an outage: no request could be served at its instant.
                Ok(_) | Err(CommandError::Refused(_)) if self.stands_still::<C>() => continue,
                // A result that rests only on cached rows needs a run on fresh reads.
                Ok(_) if tx.cached_reads() && tx.writes.is_empty() => continue,
                Ok(answer) => answer,
                Err(CommandError::Contended) => continue,
                Err(CommandError::Refused(_)) if tx.cached_reads() => continue,
                Err(CommandError::Refused(refused)) => return self.refuse(key, *refused).await,
                Err(stop) => return Err(stop),
            };
            if let Some(key) = key {
                tx.writes.key = Some(key.cells(serde_json::to_string(&answer)?, now));
            }
            let cached_reads = tx.cached_reads();
            let (writes, outcome) = tx.done();
            match self.commit(writes, key, now, attempt).await {
                CommitOutcome::Done => {
                    for keep in outcome {
                        keep(&self.shared.row_cache);
                    }
                    return Ok(Done { answer, replayed: false });
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
    async fn instant<C: Command<X>>(&self) -> Result<Instant, CommandError> {
        let Shared { clock, serving, db, .. } = &*self.shared;
        if C::RECOVERS {
            return Ok(clock.now());
        }
        if serving.now(clock.now()).is_err() && !db.storage.writable() {
            // There is nothing to wait for: fail at once.
            return Err(Fault::Unavailable("the database takes no writes".to_owned()).into());
        }
        Ok(serving.instant(clock.as_ref()).await?)
    }

    /// Has a gap opened since the run began?
    fn stands_still<C: Command<X>>(&self) -> bool {
        !C::RECOVERS && self.shared.serving.now(self.shared.clock.now()).is_err()
    }

    /// A refusal, unless the same command was answered before.
    async fn refuse<A: serde::de::DeserializeOwned>(
        &self,
        key: Option<&Key>,
        refused: Refused,
    ) -> Result<Done<A>, CommandError> {
        match self.replay(key).await? {
            Some(done) => Ok(done),
            None => Err(refused.into()),
        }
    }

    async fn replay<A: serde::de::DeserializeOwned>(
        &self,
        key: Option<&Key>,
    ) -> Result<Option<Done<A>>, CommandError> {
        let Some(key) = key else { return Ok(None) };
        let Some(stored) = key.find(&self.shared.db.write).await? else { return Ok(None) };
        if stored.body_hash != key.body_hash {
            return Err(General::KeyReused.into());
        }
        let answer = serde_json::from_str(&stored.answer)?;
        Ok(Some(Done { answer, replayed: true }))
    }

    async fn commit(
        &self,
        writes: WriteSet,
        key: Option<&Key>,
        now: Instant,
        attempt: u32,
    ) -> CommitOutcome {
        if writes.is_empty() {
            self.shared.bus.wake(writes.topics);
            return CommitOutcome::Done;
        }
        let Script { statement, mut plan } = sql::compose(&writes, self.shared.db.backend, now);
        let sent = self.shared.clock.now();
        match self.shared.flusher.commit(statement, plan.feeds.len()).await {
            Ok(numbers) => {
                self.shared.serving.committed(sent);
                self.landed(writes, &plan, &numbers, now);
                CommitOutcome::Done
            }
            Err(WriteError::Gate(n)) if n < plan.guards.len() => match plan.guards.swap_remove(n) {
                Guard::Contended => CommitOutcome::Again,
                Guard::StaleTimer => CommitOutcome::Not(CommandError::StaleTimer),
                Guard::Refuse(refused) => CommitOutcome::Not(CommandError::Refused(refused)),
            },
            Err(WriteError::Unique(name)) => unique(&writes, key, &name, attempt),
            Err(WriteError::Busy) => CommitOutcome::Again,
            Err(WriteError::Unwritable(why) | WriteError::Broken(why)) => {
                CommitOutcome::Not(Fault::Unavailable(why).into())
            }
            Err(WriteError::Other(error)) => CommitOutcome::Not(error.into()),
            Err(error @ WriteError::Gate(_)) => {
                CommitOutcome::Not(Fault::Other(format!("the flush said {error:?}")).into())
            }
        }
    }

    /// After a commit: updates near timers and busy feeds and sends one wake-up.
    fn landed(&self, writes: WriteSet, plan: &StatementPlan, numbers: &Numbers, now: Instant) {
        self.shared.epoch.count(plan.feeds.iter().map(|(_, events)| events).sum());
        self.shared.timers.landed(&writes.timers, writes.fired.as_ref());
        let mut topics = writes.topics;
        self.shared.tail.landed(writes.events, &plan.feeds, numbers, now);
        topics.extend(plan.feeds.iter().map(|(audience, _)| format!("feed:{audience}")));
        self.shared.bus.wake(topics);
    }
}

/// The instant of a command: a timer that fell due stays due, even if the machine's clock was set
/// back or is behind the clock of the node that armed it.
fn instant_of(now: Instant, fired: Option<&Fired>) -> Instant {
    fired.map_or(now, |fired| now.max(fired.due_at + TimeDelta::microseconds(1)))
}

fn unique(writes: &WriteSet, key: Option<&Key>, name: &str, attempt: u32) -> CommitOutcome {
    if key.is_some() && (name == KEY_UNIQUE.0 || name.starts_with(KEY_UNIQUE.1)) {
        return CommitOutcome::Replay;
    }
    let rule = writes.uniques.iter().find(|u| u.name == name || u.columns == name);
    match rule {
        // The first violation lets the command choose again; the second is a refusal.
        Some(rule) if attempt == 0 || rule.choose_again => CommitOutcome::Again,
        Some(rule) => CommitOutcome::Not(rule.refusal.clone().into()),
        None if attempt < 2 => CommitOutcome::Again,
        None => {
            CommitOutcome::Not(Fault::Other(format!("unforeseen uniqueness rule {name}")).into())
        }
    }
}
