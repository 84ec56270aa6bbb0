//! Heartbeats of the nodes, from which outages are detected (OUT-1).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `heartbeat`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "heartbeat")]
pub struct Model {
    /// The id of one run of a node, new at each start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub node: Uuid,
    /// When it started.
    pub started_at: Instant,
    /// When the node last wrote to the database.
    pub beat_at: Instant,
    /// When the node stopped in an orderly way.
    pub stopped_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
