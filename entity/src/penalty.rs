//! Penalties: what a client owes for a late cancellation or a no-show (PEN-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, OrderId, PartnerId, PenaltyId, PersonId};

/// One row of `penalty`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "penalty")]
pub struct Model {
    /// The penalty.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PenaltyId,
    /// The order; at most one penalty each (PEN-3).
    #[sea_orm(unique)]
    pub order_id: OrderId,
    /// The client who owes it.
    pub client_id: PersonId,
    /// The partner whose time was lost.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Paid so far.
    pub paid: Money,
    /// Its current state.
    pub state: PenaltyState,
    /// How many times something was paid or refunded: the number of the newest posting.
    pub payments: i32,
    /// When the client disputed it (PEN-7).
    pub disputed_at: Option<Instant>,
    /// The reason for the dispute, in the client's words.
    pub dispute_reason: Option<String>,
    /// When it was paid in full.
    pub settled_at: Option<Instant>,
    /// When it was created.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a penalty.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PenaltyState {
    /// Owed.
    Pending,
    /// Paid in full.
    Paid,
    /// Under dispute.
    Disputed,
    /// Waived.
    Waived,
}
