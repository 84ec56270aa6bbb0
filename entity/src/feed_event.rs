//! Feed events: the events emitted to each audience, numbered from 1 without gaps (NOT-6).

use sea_orm::entity::prelude::*;

use crate::kinds::{EventKind, Stored};
use crate::value::{EventId, Instant, SessionId};

/// One row of `feed_event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_event")]
pub struct Model {
    /// The audience of the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// Its sequence number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// The event's id, the same on every channel.
    pub id: EventId,
    /// What happened.
    pub kind: Stored<EventKind>,
    /// The transaction's instant.
    pub at: Instant,
    /// The id of what it is about, for most an order.
    pub subject: Option<Uuid>,
    /// The device that caused it, which raises no alarm for it (ORD-9).
    pub session_id: Option<SessionId>,
    /// The JSON the audience may see; personal data sealed.
    pub payload: String,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
