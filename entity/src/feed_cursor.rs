//! How far each device has acknowledged (NOT-6).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, SessionId};

/// One row of `feed_cursor`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_cursor")]
pub struct Model {
    /// The device.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: SessionId,
    /// Whose feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// Acknowledged up to here.
    pub seq: i64,
    /// When.
    pub at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
