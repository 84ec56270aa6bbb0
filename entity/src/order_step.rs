//! The history of an order: every step, never edited (ORD-8).

use sea_orm::entity::prelude::*;

use super::order::{Actor, Status};
use crate::value::{Instant, OrderId, PersonId, SessionId};

/// One row of `order_step`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_step")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// 1, 2, 3 …
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// The transaction's instant.
    pub at: Instant,
    /// Who.
    pub actor: Actor,
    /// Which person, where it was one.
    pub person_id: Option<PersonId>,
    /// From which device.
    pub session_id: Option<SessionId>,
    /// What was done.
    pub intent: String,
    /// The status before.
    pub from_status: Option<Status>,
    /// The status after.
    pub to_status: Status,
    /// Whatever else is worth keeping.
    #[sea_orm(column_type = "JsonBinary")]
    pub note: Json,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
