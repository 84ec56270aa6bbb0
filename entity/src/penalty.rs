//! What a client owes for a late cancel or a no-show (PEN-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, OrderId, PartnerId, PenaltyId, PersonId};

/// One row of `penalty`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "penalty")]
pub struct Model {
    /// The penalty.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PenaltyId,
    /// The order: one fee at most (PEN-3).
    #[sea_orm(unique)]
    pub order_id: OrderId,
    /// Who owes it.
    pub client_id: PersonId,
    /// Whose time it was.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Paid so far.
    pub paid: Money,
    /// Where it stands.
    pub state: PenaltyState,
    /// How often something was paid or given back: the number of the newest posting.
    pub payments: i32,
    /// When the client disputed it (PEN-7).
    pub disputed_at: Option<Instant>,
    /// In the client's words.
    pub dispute_reason: Option<String>,
    /// When it was paid in full.
    pub settled_at: Option<Instant>,
    /// When it arose.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a penalty stands.
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
    /// A debt.
    Pending,
    /// Paid in full.
    Paid,
    /// Under dispute.
    Disputed,
    /// Undone.
    Waived,
}
