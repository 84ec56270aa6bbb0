//! The commit of a write set, and what follows it: near timers, the newest events, one wake-up.

use entity::value::Instant;

use super::idempotency::Key;
use super::script::Numbers;
use super::shared::Shared;
use super::sql::{self, Guard, KEY_UNIQUE, Script, StatementPlan};
use super::write_set::WriteSet;
use crate::db::error::WriteError;
use crate::outbox;
use crate::refusal::{CommandError, Fault};

/// How a commit ended.
pub(crate) enum CommitOutcome {
    /// It landed.
    Done,
    /// Another command was first: the command runs again.
    Again,
    /// The key is known: the stored answer is replayed.
    Replay,
    /// It did not land.
    Not(CommandError),
}

impl Shared {
    /// Commits a write set, whole or not at all.
    pub(crate) async fn commit(
        &self,
        writes: WriteSet,
        key: Option<&Key>,
        now: Instant,
        attempt: u32,
    ) -> CommitOutcome {
        if writes.is_empty() {
            self.bus.wake(writes.topics);
            return CommitOutcome::Done;
        }
        let Script { statement, mut plan } = sql::compose(&writes, self.db.backend, now);
        let sent = self.clock.now();
        match self.flusher.commit(statement, plan.feeds.len()).await {
            Ok(numbers) => {
                self.serving.committed(sent);
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
        self.epoch.count(plan.feeds.iter().map(|(_, events)| events).sum());
        self.timers.landed(&writes.timers, writes.fired.as_ref());
        let mut topics = writes.topics;
        self.tail.landed(writes.events, &plan.feeds, numbers, now);
        if !writes.messages.is_empty() {
            topics.push(outbox::TOPIC.to_owned());
        }
        topics.extend(plan.feeds.iter().map(|(audience, _)| format!("feed:{audience}")));
        self.bus.wake(topics);
    }
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
