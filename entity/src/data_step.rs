//! Steps that changed rows of older versions and need the keys to do so; each once.

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `data_step`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_step")]
pub struct Model {
    /// Which step.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// When it was done.
    pub done_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
