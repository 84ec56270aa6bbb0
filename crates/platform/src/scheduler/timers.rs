//! Timers: every wait is a row; near ones are also in memory for precision, and a sweep finds those
//! of a dead node.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use entity::kinds::{Stored, TimerKind};
use entity::timer;
use entity::value::Instant;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::pool::Pool;
use crate::engine::write_set::{Fired, TimerWrite};
use crate::failure;
use crate::refusal::CommandError;

/// How far ahead timers are loaded into memory.
pub const NEAR: TimeDelta = TimeDelta::seconds(60);
/// How many rows are loaded at once.
pub const LOAD_ROWS: u64 = 5_000;
/// Left-over timers that one sweep takes.
pub const SWEEP_ROWS: u64 = 500;
/// After this many faults a timer is parked and an alarm is raised.
pub const ATTEMPTS_MAX: i32 = 10;

type Name = (Stored<TimerKind>, Uuid);

/// It begins at the epoch: before the first load nothing is known, not even what is overdue.
#[derive(Default)]
struct Near {
    queue: BTreeMap<(Instant, Uuid, Stored<TimerKind>), i64>,
    due: HashMap<Name, Instant>,
    flying: HashSet<Name>,
    loaded_until: Instant,
}

/// The timers of the near future, in memory; timers overdue at the first load are among them.
#[derive(Default)]
pub struct Timers {
    near: Mutex<Near>,
    changed: Notify,
}

impl Timers {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { near: Mutex::default(), changed: Notify::new() }
    }

    fn near(&self) -> MutexGuard<'_, Near> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies the timers of a commit.
    pub(crate) fn landed(&self, writes: &[TimerWrite], fired: Option<&Fired>) {
        if writes.is_empty() && fired.is_none() {
            return;
        }
        let mut sooner = false;
        let mut near = self.near();
        if let Some(fired) = fired {
            near.forget(&(fired.kind.clone(), fired.subject), Some(fired.generation));
        }
        for write in writes {
            let name = (Stored::Known(write.kind), write.subject);
            near.forget(&name, None);
            if let Some(due) = write.due
                && due < near.loaded_until
            {
                sooner |= near.queue.first_key_value().is_none_or(|((first, ..), _)| due < *first);
                near.keep(name, due, write.generation);
            }
        }
        drop(near);
        if sooner {
            self.changed.notify_one();
        }
    }

    /// When the next one in memory is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.near().queue.first_key_value().map(|((due, ..), _)| *due)
    }

    /// How many are in memory.
    #[must_use]
    pub fn count(&self) -> usize {
        self.near().queue.len()
    }

    /// Waits until an earlier timer is armed than any before.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes what is due strictly before now, in order, `most` at most.
    #[must_use]
    pub fn take_due(&self, now: Instant, most: usize) -> Vec<Fired> {
        let mut near = self.near();
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(((due_at, subject, kind), generation)) = near.queue.pop_first()
        {
            if due_at >= now {
                near.queue.insert((due_at, subject, kind), generation);
                break;
            }
            near.due.remove(&(kind.clone(), subject));
            near.flying.insert((kind.clone(), subject));
            taken.push(Fired { kind, subject, due_at, generation });
        }
        taken
    }

    /// The command of a taken timer has ended.
    pub fn ended(&self, fired: &Fired) {
        self.near().flying.remove(&(fired.kind.clone(), fired.subject));
    }

    /// Puts a taken timer back for later: its command failed.
    pub fn put_back(&self, fired: &Fired, due: Instant) {
        self.near().keep((fired.kind.clone(), fired.subject), due, fired.generation);
    }

    /// Takes those of the left-over timers that this node neither waits for nor works on.
    #[must_use]
    pub fn adopt(&self, left_over: Vec<Fired>) -> Vec<Fired> {
        let mut near = self.near();
        let mut adopted = Vec::new();
        for fired in left_over {
            let name = (fired.kind.clone(), fired.subject);
            if !near.due.contains_key(&name) && near.flying.insert(name) {
                adopted.push(fired);
            }
        }
        adopted
    }

    /// Drops all timers in memory, because their rows were changed directly. What falls due from
    /// `from` on is loaded next.
    pub fn reset(&self, from: Instant) {
        let mut near = self.near();
        let flying = std::mem::take(&mut near.flying);
        *near = Near { flying, loaded_until: from, ..Near::default() };
    }

    /// Loads what falls due in the near future. `mine` decides which of it this node fires.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(
        &self,
        db: &Pool,
        now: Instant,
        near: TimeDelta,
        mine: impl Fn(Uuid) -> bool + Send,
    ) -> Result<(), DbErr> {
        let until = now + near;
        let from = {
            let mut near = self.near();
            let from = near.loaded_until;
            // From here on timers armed below `until` go into memory at once.
            near.loaded_until = until.max(from);
            from
        };
        if until <= from {
            return Ok(());
        }
        let loaded = self.load_span(db, from, until, mine).await;
        if loaded.is_err() {
            self.near().loaded_until = from;
        }
        self.changed.notify_one();
        loaded
    }

    async fn load_span(
        &self,
        db: &Pool,
        from: Instant,
        until: Instant,
        mine: impl Fn(Uuid) -> bool + Send,
    ) -> Result<(), DbErr> {
        let mut after: Option<timer::Model> = None;
        loop {
            let rows = page(db, from, until, after.as_ref()).await?;
            let full = u64::try_from(rows.len()).unwrap_or(0) == LOAD_ROWS;
            after = rows.last().cloned();
            let mut near = self.near();
            for row in rows.into_iter().filter(|row| mine(row.subject)) {
                let name = (row.kind, row.subject);
                // A timer armed by a commit meanwhile is newer than the row that was read.
                if !near.due.contains_key(&name) {
                    near.keep(name, row.due_at, row.generation);
                }
            }
            drop(near);
            if !full {
                return Ok(());
            }
        }
    }
}

impl Near {
    fn keep(&mut self, name: Name, due: Instant, generation: i64) {
        self.due.insert(name.clone(), due);
        self.queue.insert((due, name.1, name.0), generation);
    }

    fn forget(&mut self, name: &Name, generation: Option<i64>) {
        let Some(due) = self.due.get(name).copied() else { return };
        let place = (due, name.1, name.0.clone());
        if generation.is_none() || self.queue.get(&place).copied() == generation {
            self.queue.remove(&place);
            self.due.remove(name);
        }
    }
}

async fn page(
    db: &Pool,
    from: Instant,
    until: Instant,
    after: Option<&timer::Model>,
) -> Result<Vec<timer::Model>, DbErr> {
    use timer::Column::{DueAt, Kind, ParkedAt, Subject};
    let mut query = timer::Entity::find()
        .filter(ParkedAt.is_null())
        .filter(DueAt.lt(until))
        .order_by_asc(DueAt)
        .order_by_asc(Subject)
        .order_by_asc(Kind)
        .limit(LOAD_ROWS);
    query = match after {
        None => query.filter(DueAt.gte(from)),
        Some(last) => query.filter(
            Condition::any()
                .add(DueAt.gt(last.due_at))
                .add(Condition::all().add(DueAt.eq(last.due_at)).add(Subject.gt(last.subject)))
                .add(
                    Condition::all()
                        .add(DueAt.eq(last.due_at))
                        .add(Subject.eq(last.subject))
                        .add(Kind.gt(last.kind.clone())),
                ),
        ),
    };
    query.all(db).await
}

/// Timers that fell due before `late` and were not fired: of a dead node, or after lost wake-ups.
///
/// # Errors
/// When the database fails.
pub async fn left_over(db: &Pool, late: Instant) -> Result<Vec<Fired>, DbErr> {
    let rows = timer::Entity::find()
        .filter(timer::Column::ParkedAt.is_null())
        .filter(timer::Column::DueAt.lt(late))
        .order_by_asc(timer::Column::DueAt)
        .limit(SWEEP_ROWS)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(fired).collect())
}

/// Timers of these kinds that fall due in `[from, until)`.
///
/// # Errors
/// When the database fails.
pub async fn due_within(
    db: &Pool,
    kinds: &[TimerKind],
    from: Instant,
    until: Instant,
) -> Result<Vec<Fired>, DbErr> {
    let rows = timer::Entity::find()
        .filter(timer::Column::Kind.is_in(kinds.iter().copied()))
        .filter(timer::Column::DueAt.gte(from))
        .filter(timer::Column::DueAt.lt(until))
        .order_by_asc(timer::Column::DueAt)
        .limit(SWEEP_ROWS)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(fired).collect())
}

/// The fired timer of a row.
#[must_use]
pub fn fired(row: timer::Model) -> Fired {
    Fired { kind: row.kind, subject: row.subject, due_at: row.due_at, generation: row.generation }
}

/// Records a fault of a timer's command: it is retried later; after too many faults, or at once
/// where a retry changes nothing, it is parked with an alarm.
///
/// # Errors
/// When the database fails.
pub async fn broke(
    db: &Pool,
    fired: &Fired,
    now: Instant,
    stop: &CommandError,
) -> Result<(), DbErr> {
    let key = (fired.kind.clone(), fired.subject);
    let Some(row) = timer::Entity::find_by_id(key).all(db).await?.pop() else { return Ok(()) };
    if row.generation != fired.generation {
        return Ok(());
    }
    let attempts = row.attempts + 1;
    let hopeless = failure::unreadable(stop);
    let parked = (hopeless || attempts >= ATTEMPTS_MAX).then_some(now);
    if parked.is_some() {
        tracing::error!(alarm = "timer_parked", kind = row.kind.as_str(), subject = %row.subject);
        metrics::counter!("yumo_timers_parked").increment(1);
    }
    timer::Entity::update_many()
        .col_expr(timer::Column::Attempts, attempts.into())
        .col_expr(timer::Column::ParkedAt, parked.into())
        .col_expr(timer::Column::DueAt, (now + backoff(attempts)).into())
        .filter(timer::Column::Kind.eq(row.kind))
        .filter(timer::Column::Subject.eq(row.subject))
        .filter(timer::Column::Generation.eq(row.generation))
        .exec(db)
        .await?;
    Ok(())
}

/// How long a timer waits after its n-th fault.
#[must_use]
pub fn backoff(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(1_i64 << attempts.clamp(0, 8))
}
