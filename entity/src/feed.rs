//! Feed counters: the newest sequence number of each audience (NOT-6).

use sea_orm::entity::prelude::*;

/// One row of `feed`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed")]
pub struct Model {
    /// `client:<id>`, `branch:<id>`, `support:<queue>`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// The newest sequence number.
    pub last_seq: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
