//! What an audience was told: 1, 2, 3 …, without a gap (NOT-6).

use sea_orm::entity::prelude::*;

use crate::value::{EventId, Instant, OrderId, SessionId};

/// One row of `feed_event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_event")]
pub struct Model {
    /// Whose feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// Its number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// The same everywhere it is told.
    pub id: EventId,
    /// What happened, in the past tense.
    pub kind: String,
    /// The transaction's instant.
    pub at: Instant,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// The device that caused it: no alarm there (ORD-9).
    pub session_id: Option<SessionId>,
    /// JSON as its reader may see it; personal data sealed.
    pub payload: String,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
