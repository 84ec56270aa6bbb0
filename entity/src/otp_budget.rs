//! How many one-time codes were sent within a span, by what is budgeted (LIM-10).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `otp_budget`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "otp_budget")]
pub struct Model {
    /// What is budgeted: its kind, span and, where it is personal, a keyed hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bucket: String,
    /// When the span began.
    #[sea_orm(primary_key, auto_increment = false)]
    pub began_at: Instant,
    /// Codes so far.
    pub n: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
