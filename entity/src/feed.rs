//! Feed counters: the newest number of each audience (NOT-6).

use sea_orm::entity::prelude::*;

/// One row of `feed`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed")]
pub struct Model {
    /// `client:<id>`, `branch:<id>`, `support`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// The newest number.
    pub last_seq: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
