//! The history of an order: one row per step, never edited (ORD-8).

use sea_orm::entity::prelude::*;

use super::order::OrderStatus;
use crate::kinds::{Intent, Stored};
use crate::value::{Actor, Instant, OrderId, PersonId, SessionId};

/// One row of `order_step`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_step")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// The number of the step, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// The transaction's instant.
    pub at: Instant,
    /// The kind of actor.
    pub actor: Actor,
    /// The person, if it was one.
    pub person_id: Option<PersonId>,
    /// The session (device) it came from.
    pub session_id: Option<SessionId>,
    /// What was done.
    pub intent: Stored<Intent>,
    /// The status before.
    pub from_status: Option<OrderStatus>,
    /// The status after.
    pub to_status: OrderStatus,
    /// Further details of the step.
    #[sea_orm(column_type = "JsonBinary")]
    pub note: Json,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
