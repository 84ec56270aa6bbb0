//! Epochs of the feeds: a restored database begins a new one (NOT-6).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `feed_epoch`; the one with the highest number is the current one.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_epoch")]
pub struct Model {
    /// 1, 2, 3 …
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i32,
    /// Its name in the API: random, never reused.
    pub epoch: String,
    /// The server, timeline, database and table it began in; empty on `SQLite`, and where the
    /// server does not report them.
    pub place: String,
    /// The reason it began.
    pub reason: String,
    /// When.
    pub began_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
