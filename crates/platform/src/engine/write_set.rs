//! The write set: what a command wants to change, as data, flushed once at the end.

use entity::kinds::{EventKind, Stored, TimerKind};
use entity::row::{Row, Table};
use entity::value::{EventId, Instant, SessionId};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait,
    Value,
};
use uuid::Uuid;

use crate::refusal::Refused;

/// A column and its value.
pub type Cell = (&'static str, Value);

/// A row inserted, updated at its version, changed by an amount, or deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A new row.
    Insert {
        /// The table.
        table: &'static str,
        /// All its columns.
        cells: Vec<Cell>,
        /// What holds of its place among the other writes.
        kind: NewRow,
    },
    /// A versioned row, at the version it was read at.
    Update {
        /// The table.
        table: Table,
        /// Which row.
        key: Vec<Cell>,
        /// The version it was read at.
        version: i64,
        /// What changes; the version is raised automatically.
        cells: Vec<Cell>,
    },
    /// A hot row that changes by an amount, if the condition holds.
    Adjust(RelativeUpdate),
    /// A counter that never passes its limit; created by the first count.
    Count(Count),
    /// A row without a version is replaced.
    Replace {
        /// The table.
        table: &'static str,
        /// Which row.
        key: Vec<Cell>,
        /// Its new content.
        cells: Vec<Cell>,
    },
    /// A row that was read from the row cache must still be at this version.
    Check {
        /// The table.
        table: Table,
        /// Which row.
        key: Vec<Cell>,
        /// The version it was read at.
        version: i64,
        /// Locks the row until the commit, so that no other command changes it before. Without it a
        /// change that commits at the same moment may be missed.
        firm: bool,
    },
    /// Cells of a row, at the version it was read at, without raising it.
    Set {
        /// The table.
        table: Table,
        /// Which row.
        key: Vec<Cell>,
        /// The version it was read at.
        version: i64,
        /// The new values.
        cells: Vec<Cell>,
    },
    /// Rows that are deleted.
    Delete {
        /// The table.
        table: &'static str,
        /// Which rows.
        key: Vec<Cell>,
    },
    /// Occupancy cells that are taken: the database refuses a cell that is held already.
    Take(OccupancyClaim),
    /// Occupancy cells that are released, where this holder has them.
    Free(OccupancyClaim),
}

/// How a new row is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewRow {
    /// After all rows that are locked.
    Plain,
    /// As [`Self::Plain`], but an existing row stays unchanged.
    OrKeep,
    /// Where the rows of the first tier are locked.
    Locked,
}

/// A run of occupancy cells of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OccupancyClaim {
    /// What only one holder can have at a time.
    pub resource: Uuid,
    /// The first cell.
    pub from: i64,
    /// The first cell after the run.
    pub until: i64,
    /// Who holds it.
    pub holder: Uuid,
}

impl Write {
    /// Does it update the row that `check` is about, or check it at least as firmly?
    #[must_use]
    pub fn covers(&self, check: &Self) -> bool {
        let Self::Check { table: checked, key: row, version: at, firm: wanted } = check else {
            return false;
        };
        match self {
            Self::Update { table, key, .. } => table == checked && key == row,
            Self::Check { table, key, version, firm } => {
                (table, key, version) == (checked, row, at) && (*firm || !wanted)
            }
            Self::Insert { .. }
            | Self::Adjust(_)
            | Self::Count(_)
            | Self::Replace { .. }
            | Self::Set { .. }
            | Self::Delete { .. }
            | Self::Take(_)
            | Self::Free(_) => false,
        }
    }
}

/// A relative, conditional change of a hot row.
#[derive(Clone, Debug, PartialEq)]
pub struct RelativeUpdate {
    /// The table.
    pub table: Table,
    /// Which row.
    pub key: Vec<Cell>,
    /// Columns and what is added to them.
    pub add: Vec<(&'static str, i64)>,
    /// Columns and their new values.
    pub set: Vec<Cell>,
    /// Columns computed from the previous state of the row.
    pub also: Vec<Computed>,
    /// SQL that must hold of the row; `?` stands for each of `values`.
    pub condition: Option<(&'static str, Vec<Value>)>,
    /// The refusal when it does not hold; without one, another command committed first, and this
    /// one runs again.
    pub refusal: Option<Refused>,
}

impl RelativeUpdate {
    /// Are both about one row, and can they be merged: at most one of them has a condition, sets or
    /// computes anything?
    pub(crate) fn same_row(&self, other: &Self) -> bool {
        let plain = |adjust: &Self| {
            adjust.set.is_empty() && adjust.also.is_empty() && adjust.condition.is_none()
        };
        (self.table, &self.key) == (other.table, &other.key) && (plain(self) || plain(other))
    }

    /// Merges the other change into this one.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (column, by) in other.add {
            match self.add.iter_mut().find(|(known, _)| *known == column) {
                Some((_, sum)) => *sum += by,
                None => self.add.push((column, by)),
            }
        }
        self.set.extend(other.set);
        self.also.extend(other.also);
        self.condition = self.condition.take().or(other.condition);
        self.refusal = self.refusal.take().or(other.refusal);
    }
}

/// More in a counter row (`n`), if that does not pass the limit; the database serialises concurrent
/// counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// The table; its counting column is `n`.
    pub table: Table,
    /// Which row; created with `by` where it does not exist.
    pub key: Vec<Cell>,
    /// How many more, at least 1.
    pub by: i64,
    /// The counter never passes this; at least `by`.
    pub most: i64,
    /// The refusal when it would.
    pub refusal: Refused,
}

/// A column computed from the previous state of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// The column.
    pub column: &'static str,
    /// The SQL; `?` stands for each of `values`.
    pub sql: &'static str,
    /// The values of its parameters.
    pub values: Vec<Value>,
}

/// A uniqueness rule of the database and the refusal it means.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The constraint's name, on PostgreSQL.
    pub name: &'static str,
    /// Its `table.column, …`, as in `SQLite`'s message.
    pub columns: &'static str,
    /// The refusal.
    pub refusal: Refused,
    /// When run again, the command chooses another value or refuses by itself: it is run again up
    /// to the limit of runs.
    pub choose_again: bool,
}

/// A timer armed (`due` is set) or disarmed.
#[derive(Clone, Debug)]
pub struct TimerWrite {
    /// Which command the scheduler will run.
    pub kind: TimerKind,
    /// The id of its subject.
    pub subject: Uuid,
    /// When; `None` disarms it.
    pub due: Option<Instant>,
    /// The generation it gets.
    pub generation: i64,
}

/// An event for an audience.
#[derive(Clone, Debug)]
pub struct Event {
    /// Whose feed.
    pub audience: String,
    /// The same id in every feed it is emitted to.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// The id of what it is about.
    pub subject: Option<Uuid>,
    /// The device that caused it.
    pub session_id: Option<SessionId>,
    /// JSON with what its audience may see; personal data sealed.
    pub payload: String,
}

/// A message of the outbox, one for each event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The event.
    pub id: EventId,
    /// What happened, in the past tense.
    pub kind: EventKind,
    /// The id of what it is about.
    pub subject: Option<Uuid>,
    /// The audiences in whose feeds the event stands.
    pub audiences: Vec<String>,
}

/// A timer that fired, consumed if it is still the same one.
#[derive(Clone, Debug)]
pub struct Fired {
    /// Which command the scheduler runs.
    pub kind: Stored<TimerKind>,
    /// The id of its subject.
    pub subject: Uuid,
    /// When it fell due.
    pub due_at: Instant,
    /// The generation it was armed with.
    pub generation: i64,
}

/// Everything one command changes.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    /// The idempotency key under which the answer is stored.
    pub key: Option<Vec<Cell>>,
    /// Rows.
    pub writes: Vec<Write>,
    /// Uniqueness rules that may refuse it.
    pub uniques: Vec<Unique>,
    /// Timers.
    pub timers: Vec<TimerWrite>,
    /// Events.
    pub events: Vec<Event>,
    /// Messages of the outbox.
    pub messages: Vec<OutboxMessage>,
    /// The timer that caused the command.
    pub fired: Option<Fired>,
    /// Topics to wake besides the feeds: ended sessions, a new policy.
    pub topics: Vec<String>,
}

impl WriteSet {
    /// Is there nothing to write?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.key.is_none()
            && self.writes.is_empty()
            && self.timers.is_empty()
            && self.events.is_empty()
            && self.fired.is_none()
    }

    /// Adds an event, and its message: one for all the feeds it goes into.
    pub fn event(&mut self, event: Event) {
        match self.messages.iter_mut().find(|message| message.id == event.id) {
            Some(message) => message.audiences.push(event.audience.clone()),
            None => self.messages.push(OutboxMessage {
                id: event.id,
                kind: event.kind,
                subject: event.subject,
                audiences: vec![event.audience.clone()],
            }),
        }
        self.events.push(event);
    }

    /// Arms or disarms a timer; the last call for it counts.
    pub fn timer(&mut self, write: TimerWrite) {
        self.timers.retain(|t| (t.kind, t.subject) != (write.kind, write.subject));
        self.timers.push(write);
    }
}

/// The cells of a new row.
pub fn cells_of<M>(model: M) -> (&'static str, Vec<Cell>)
where
    M: ModelTrait + sea_orm::IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
{
    let mut active = model.into_active_model();
    let cells = <M::Entity as EntityTrait>::Column::iter()
        .filter_map(|column| match active.take(column) {
            ActiveValue::Set(value) | ActiveValue::Unchanged(value) => {
                Some((column.as_str(), value))
            }
            ActiveValue::NotSet => None,
        })
        .collect();
    (table_of::<M::Entity>(), cells)
}

/// The cells in which two states of a row differ.
pub fn changed<M: ModelTrait>(old: &M, new: &M) -> Vec<Cell> {
    <M::Entity as EntityTrait>::Column::iter()
        .filter_map(|column| {
            let value = new.get(column);
            (column.as_str() != "version" && value != old.get(column))
                .then_some((column.as_str(), value))
        })
        .collect()
}

/// The key cells of a row.
pub fn key_of<M: Row>(row: &M) -> Vec<Cell> {
    place_of(row).1
}

/// The table and key cells of a row.
pub fn place_of<M: ModelTrait>(model: &M) -> (&'static str, Vec<Cell>) {
    use sea_orm::PrimaryKeyToColumn as _;
    let key = <M::Entity as EntityTrait>::PrimaryKey::iter()
        .map(|key| {
            let column = key.into_column();
            (column.as_str(), model.get(column))
        })
        .collect();
    (table_of::<M::Entity>(), key)
}

fn table_of<E: EntityTrait>() -> &'static str {
    E::default().table_name()
}
