//! Counts of events by day and kind.

use sea_orm::entity::prelude::*;

use crate::row::Table;

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("event_count");

/// One row of `event_count`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_count")]
pub struct Model {
    /// The day in UTC, `YYYY-MM-DD`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: String,
    /// What happened, in the past tense.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// How often.
    pub n: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
