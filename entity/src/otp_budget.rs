//! Budgets of one-time codes: how many were sent within a span, by bucket (LIM-10).

use sea_orm::entity::prelude::*;

use crate::row::Table;
use crate::value::Instant;

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("otp_budget");

/// One row of `otp_budget`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "otp_budget")]
pub struct Model {
    /// The bucket: its kind, span and, where it is personal, a keyed hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: String,
    /// When the span began.
    #[sea_orm(primary_key, auto_increment = false)]
    pub began_at: Instant,
    /// Codes sent so far.
    pub n: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
