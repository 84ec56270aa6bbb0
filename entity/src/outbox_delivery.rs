//! Deliveries of outbox messages: how far each consumer has come with each message.

use sea_orm::entity::prelude::*;

use crate::row::Table;
use crate::value::Instant;

/// The table; its rows have no version.
pub const TABLE: Table = Table::hot("outbox_delivery");

/// One row of `outbox_delivery`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_delivery")]
pub struct Model {
    /// Who consumes it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: Consumer,
    /// The message.
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: Uuid,
    /// How far it has come.
    pub state: DeliveryState,
    /// The claim that works on it, or worked on it last.
    pub claim: Option<Uuid>,
    /// How often it was claimed.
    pub attempts: i32,
    /// When it may be claimed; of a claimed one the end of its lease, of a finished one its end.
    pub next_at: Instant,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// A consumer of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, strum::Display)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Consumer {
    /// Counts events by day and kind.
    Statistics,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, strum::Display)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for a worker.
    Queued,
    /// A worker has it until the end of its lease.
    Claimed,
    /// Its effect is there.
    Done,
    /// It failed too often; an operator decides.
    Parked,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
