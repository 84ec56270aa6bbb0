//! Data migrations that need the encryption keys, recorded when done so that each runs once.

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `data_step`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_step")]
pub struct Model {
    /// The name of the migration step.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// When it was done.
    pub done_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
