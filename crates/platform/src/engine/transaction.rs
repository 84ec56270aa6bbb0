//! The context of a command: the instant, reads that note their versions, and the write set.
//!
//! Reads go through a connection outside any transaction. The flush therefore checks again whatever
//! a decision depends on: versioned rows at their version, hot rows by a condition, the rest by the
//! database's uniqueness rules.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use entity::kinds::{Audience, EventKind, TimerKind};
use entity::row::{LockTier, Row};
use entity::value::{EventId, Instant};
use sea_orm::{EntityTrait, IntoActiveModel, ModelTrait, PrimaryKeyTrait, Value};
use uuid::Uuid;

use super::by::By;
use super::row_cache::{self, RowCache};
use super::shared::Shared;
use super::turns::{Sequence, Turn};
use super::write_set::{
    self, Count, Event, Fired, NewRow, OccupancyClaim, RelativeUpdate, TimerWrite, Unique, Write,
    WriteSet,
};
use crate::crypto::Keys;
use crate::db::pool::Pool;
use crate::refusal::{CommandError, Fault};

/// Caches a row once the write set has committed.
pub(crate) type Keeping = Box<dyn FnOnce(&RowCache) + Send + Sync>;

/// One run of one command. `X` is the context of the product.
pub struct Tx<X> {
    now: Instant,
    by: By,
    shared: Arc<Shared>,
    context: Arc<X>,
    seen: HashMap<(TypeId, String), Box<dyn Any + Send + Sync>>,
    use_cache: bool,
    cached_reads: Vec<Write>,
    checks: Vec<Write>,
    outcome: Vec<Keeping>,
    turns: Vec<(Sequence, Turn)>,
    /// What the command wants to change.
    pub(crate) writes: WriteSet,
}

impl<X: Send + Sync + 'static> Tx<X> {
    /// Begins a run; the first may read rows from the row cache.
    pub(crate) fn begin(
        now: Instant,
        by: By,
        shared: &Arc<Shared>,
        context: &Arc<X>,
        fired: Option<Fired>,
        use_cache: bool,
    ) -> Self {
        let writes = WriteSet { fired, ..WriteSet::default() };
        let seen = HashMap::new();
        let (cached_reads, checks, outcome) = (Vec::new(), Vec::new(), Vec::new());
        let turns = Vec::new();
        let (shared, context) = (Arc::clone(shared), Arc::clone(context));
        Self {
            now,
            by,
            shared,
            context,
            seen,
            use_cache,
            cached_reads,
            checks,
            outcome,
            turns,
            writes,
        }
    }

    /// Did it read any row from the row cache?
    pub(crate) fn cached_reads(&self) -> bool {
        !self.cached_reads.is_empty()
    }

    /// Is this the first run of the command?
    #[must_use]
    pub fn first_run(&self) -> bool {
        self.use_cache
    }

    /// The write set, with a check for every row that was read from the row cache and is not
    /// updated; and what to cache once it has committed.
    pub(crate) fn done(self) -> (WriteSet, Vec<Keeping>) {
        let mut writes = self.writes;
        for check in self.checks.into_iter().chain(self.cached_reads) {
            if !writes.writes.iter().any(|write| write.covers(&check)) {
                writes.writes.push(check);
            }
        }
        (writes, self.outcome)
    }

    /// Waits for this command's turn to take the next number of a sequence; it has the turn until
    /// it has ended, over all its runs: a further run reads what the turns before it left.
    ///
    /// # Errors
    /// `contended`, when it would take too long.
    pub async fn turn(&mut self, sequence: Sequence) -> Result<(), CommandError> {
        if !self.turns.iter().any(|(held, _)| *held == sequence) {
            let turn = self.shared.turns.wait(sequence).await.ok_or(CommandError::Contended)?;
            self.turns.push((sequence, turn));
        }
        Ok(())
    }

    /// The turns its command has from an earlier run.
    pub(crate) fn has_turns(&mut self, turns: Vec<(Sequence, Turn)>) {
        self.turns = turns;
    }

    /// The turns its command has after this run.
    pub(crate) fn take_turns(&mut self) -> Vec<(Sequence, Turn)> {
        std::mem::take(&mut self.turns)
    }

    /// The transaction's one instant (ORD-5).
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Who acts.
    #[must_use]
    pub fn by(&self) -> By {
        self.by
    }

    /// For reading.
    #[must_use]
    pub fn db(&self) -> &Pool {
        &self.shared.db.read
    }

    /// What the product shares with all commands.
    #[must_use]
    pub fn context(&self) -> &X {
        &self.context
    }

    /// The keys that seal personal data.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.shared.keys)
    }

    /// Reads a row by its key, or returns the state this command has already put into the write
    /// set.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn find<E>(
        &mut self,
        key: <E::PrimaryKey as PrimaryKeyTrait>::ValueType,
    ) -> Result<Option<E::Model>, CommandError>
    where
        E: EntityTrait,
        E::Model: Clone + Send + Sync + 'static,
        <E::PrimaryKey as PrimaryKeyTrait>::ValueType: std::fmt::Debug + Clone,
    {
        let name = format!("{key:?}");
        let place = (TypeId::of::<E::Model>(), name);
        if let Some(seen) = self.seen.get(&place).and_then(|m| m.downcast_ref::<E::Model>()) {
            return Ok(Some(seen.clone()));
        }
        // `all` and not `one`: a bound LIMIT makes SQLite parse the statement again each time.
        let row = E::find_by_id(key).all(self.db()).await?.pop();
        if let Some(row) = &row {
            self.seen.insert(place, Box::new(row.clone()));
        }
        Ok(row)
    }

    /// As [`Self::find`], but a first run may take the row from the row cache: the flush then
    /// checks its version, and no refusal depends on it.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn find_cached<E>(
        &mut self,
        key: <E::PrimaryKey as PrimaryKeyTrait>::ValueType,
    ) -> Result<Option<E::Model>, CommandError>
    where
        E: EntityTrait,
        E::Model: Row,
        <E::PrimaryKey as PrimaryKeyTrait>::ValueType: std::fmt::Debug + Copy + Into<Uuid>,
    {
        let place = (TypeId::of::<E::Model>(), format!("{key:?}"));
        if self.use_cache
            && !self.seen.contains_key(&place)
            && let Some(row) = self.shared.row_cache.get::<E::Model>(key.into())
        {
            let key = write_set::key_of(&row);
            let (table, version) = (E::Model::TABLE, row.version());
            self.cached_reads.push(Write::Check { table, key, version, firm: false });
            self.seen.insert(place, Box::new(row.clone()));
            return Ok(Some(row));
        }
        let row = self.find::<E>(key).await?;
        if let Some(row) = &row {
            self.shared.row_cache.put(row.clone());
        }
        Ok(row)
    }

    /// Puts a new row into the write set, and caches it once it has committed.
    pub fn insert_cached<M>(&mut self, model: M)
    where
        M: Row + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        let (table, cells) = write_set::cells_of(model.clone());
        let kind = match M::TABLE.tier {
            LockTier::First => NewRow::Locked,
            LockTier::Versioned | LockTier::Hot => NewRow::Plain,
        };
        self.writes.writes.push(Write::Insert { table, cells, kind });
        self.outcome.push(Box::new(move |kept| kept.put(model)));
    }

    /// Changes cells of a row at the version it was read at, without raising it; nodes that cache
    /// the row drop it.
    pub fn set<M: Row>(&mut self, row: &M, cells: Vec<write_set::Cell>) {
        let (table, id) = (M::TABLE, row.key());
        let (key, version) = (write_set::key_of(row), row.version());
        self.writes.writes.push(Write::Set { table, key, version, cells });
        self.wake(row_cache::topic(table.name, id));
        self.outcome.push(Box::new(move |kept| kept.forget(table.name, id)));
    }

    /// Puts a new row into the write set.
    pub fn insert<M>(&mut self, model: M)
    where
        M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        let (table, cells) = write_set::cells_of(model);
        self.writes.writes.push(Write::Insert { table, cells, kind: NewRow::Plain });
    }

    /// As [`Self::insert`], but an existing row stays unchanged.
    pub fn insert_or_keep<M>(&mut self, model: M)
    where
        M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        let (table, cells) = write_set::cells_of(model);
        self.writes.writes.push(Write::Insert { table, cells, kind: NewRow::OrKeep });
    }

    /// Puts what changed between two states of a row into the write set, at the version it was read
    /// at.
    pub fn update<M: Row>(&mut self, old: &M, new: &M) {
        let cells = write_set::changed(old, new);
        let (table, key) = (M::TABLE, write_set::key_of(old));
        self.writes.writes.push(Write::Update { table, key, version: old.version(), cells });
        let raised = new.clone().raised();
        self.outcome.push(Box::new(move |kept| kept.put(raised)));
    }

    /// As [`Self::update`], but every cell is written: the stored row may differ from what was
    /// read.
    pub fn rewrite<M>(&mut self, old: &M, new: &M)
    where
        M: Row + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        let (table, key) = (M::TABLE, write_set::key_of(old));
        let (_, all) = write_set::cells_of(new.clone());
        let written = |column: &str| column != "version" && key.iter().all(|(k, _)| *k != column);
        let cells = all.into_iter().filter(|(column, _)| written(column)).collect();
        self.writes.writes.push(Write::Update { table, key, version: old.version(), cells });
        let raised = new.clone().raised();
        self.outcome.push(Box::new(move |kept| kept.put(raised)));
    }

    /// Replaces a row that has no version.
    pub fn replace<M>(&mut self, model: M)
    where
        M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        let (table, key) = write_set::place_of(&model);
        let (_, all) = write_set::cells_of(model);
        let cells = all.into_iter().filter(|(c, _)| key.iter().all(|(k, _)| k != c)).collect();
        self.writes.writes.push(Write::Replace { table, key, cells });
    }

    /// Deletes the rows of a table whose columns hold these values.
    pub fn delete(&mut self, table: &'static str, key: Vec<(&'static str, Value)>) {
        self.writes.writes.push(Write::Delete { table, key });
    }

    /// Takes a run of occupancy cells.
    pub fn take(&mut self, claim: OccupancyClaim) {
        self.writes.writes.push(Write::Take(claim));
    }

    /// Releases a run of occupancy cells.
    pub fn free(&mut self, claim: OccupancyClaim) {
        self.writes.writes.push(Write::Free(claim));
    }

    /// Has the flush check that a versioned row is still at the version it was read at, and lock it
    /// until the commit.
    pub fn check<M: Row>(&mut self, row: &M) {
        let (table, key, version) = (M::TABLE, write_set::key_of(row), row.version());
        self.checks.push(Write::Check { table, key, version, firm: true });
    }

    /// Changes a hot row by an amount. Two changes of one row are merged: a statement of PostgreSQL
    /// changes a row only once.
    pub fn adjust(&mut self, adjust: RelativeUpdate) {
        let same = self.writes.writes.iter_mut().find_map(|write| {
            let Write::Adjust(other) = write else { return None };
            other.same_row(&adjust).then_some(other)
        });
        match same {
            Some(other) => other.absorb(adjust),
            None => self.writes.writes.push(Write::Adjust(adjust)),
        }
    }

    /// Adds to a counter that has a limit.
    pub fn count(&mut self, count: Count) {
        self.writes.writes.push(Write::Count(count));
    }

    /// Defines the refusal for a uniqueness rule of the database.
    pub fn unique(&mut self, rule: Unique) {
        self.writes.uniques.push(rule);
    }

    /// Arms a timer, or arms it again.
    pub fn arm(&mut self, kind: TimerKind, subject: Uuid, due: Instant) {
        let generation = rand::random::<i64>();
        self.writes.timer(TimerWrite { kind, subject, due: Some(due), generation });
    }

    /// Disarms a timer.
    pub fn disarm(&mut self, kind: TimerKind, subject: Uuid) {
        self.writes.timer(TimerWrite { kind, subject, due: None, generation: 0 });
    }

    /// Emits an event to an audience, and to the consumers of the outbox: once for each id, however
    /// many audiences it goes to.
    ///
    /// # Errors
    /// A fault when the payload is no JSON.
    pub fn emit(
        &mut self,
        audience: &Audience,
        kind: EventKind,
        subject: Option<Uuid>,
        id: EventId,
        payload: &impl serde::Serialize,
    ) -> Result<(), CommandError> {
        debug_assert!(kind.audiences().contains(&audience.kind()), "{kind} goes to {audience}");
        self.writes.event(Event {
            audience: audience.to_string(),
            id,
            kind,
            subject,
            session_id: self.by.session_id,
            payload: serde_json::to_string(payload)?,
        });
        Ok(())
    }

    /// Wakes the listeners of a topic that is no feed.
    pub fn wake(&mut self, topic: String) {
        self.writes.topics.push(topic);
    }

    /// A row that must exist.
    ///
    /// # Errors
    /// A fault that names the row.
    pub fn must<M>(
        table: &'static str,
        id: impl std::fmt::Display,
        row: Option<M>,
    ) -> Result<M, CommandError> {
        row.ok_or_else(|| {
            let what = "the row is missing".to_owned();
            Fault::Inconsistent { table, id: id.to_string(), what }.into()
        })
    }
}
