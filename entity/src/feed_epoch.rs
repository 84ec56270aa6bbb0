//! One history of the feeds: a database that is restored begins another (NOT-6).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `feed_epoch`; the one with the highest number is the current one.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_epoch")]
pub struct Model {
    /// 1, 2, 3 …
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i32,
    /// Its name on the wire: random, never used again.
    pub epoch: String,
    /// Which server, timeline, database and table it began in; empty on `SQLite`, and where the
    /// server does not say.
    pub place: String,
    /// Why it began.
    pub reason: String,
    /// When.
    pub began_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
