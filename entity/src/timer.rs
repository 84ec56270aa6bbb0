//! Timers: every wait is a row that names the command the scheduler sends, and when.

use sea_orm::entity::prelude::*;

use crate::kinds::{Stored, TimerKind};
use crate::value::Instant;

/// One row of `timer`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timer")]
pub struct Model {
    /// The kind of timer, which determines the command the scheduler sends.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Stored<TimerKind>,
    /// The id of what the command acts on.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: Uuid,
    /// The scheduler fires it strictly after this instant (ORD-5).
    pub due_at: Instant,
    /// A new value each time the timer is armed again.
    pub generation: i64,
    /// How often its command failed with a fault.
    pub attempts: i32,
    /// When it was parked after too many failed attempts, which raises an alarm.
    pub parked_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
