//! Feed cursors: how far each device has acknowledged each feed (NOT-6).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, SessionId};

/// One row of `feed_cursor`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_cursor")]
pub struct Model {
    /// The device.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: SessionId,
    /// The audience of the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// The sequence number acknowledged so far.
    pub seq: i64,
    /// When.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
