//! Every wait is a row: what the clock will do, and when.

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `timer`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "timer")]
pub struct Model {
    /// Which command the clock will send.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// About what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: Uuid,
    /// The clock acts strictly after it (ORD-5).
    pub due_at: Instant,
    /// Changes whenever it is armed again.
    pub generation: i64,
    /// How often its command broke.
    pub attempts: i32,
    /// Given up after too many attempts; an alarm.
    pub parked_at: Option<Instant>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
