//! Proof that a node could serve (OUT-1).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `heartbeat`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "heartbeat")]
pub struct Model {
    /// One start of one node.
    #[sea_orm(primary_key, auto_increment = false)]
    pub node: Uuid,
    /// When it started.
    pub started_at: Instant,
    /// The newest moment it could write.
    pub beat_at: Instant,
    /// A stop in good order.
    pub stopped_at: Option<Instant>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
