//! What the operator owes a partner for an order that was paid with bonus (BON-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, OrderId, PartnerId, PayableId, PayoutId};

/// One row of `payable`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payable")]
pub struct Model {
    /// The debt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayableId,
    /// For which order: one at most.
    #[sea_orm(unique)]
    pub order_id: OrderId,
    /// To whom.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Where it stands.
    pub state: PayableState,
    /// The local date on which it is paid out, where it waits for that: `YYYY-MM-DD`.
    pub due_on: Option<String>,
    /// The payout that takes it.
    pub payout_id: Option<PayoutId>,
    /// When it arose.
    pub created_at: Instant,
    /// It is not settled before then (LIM-6).
    pub held_until: Option<Instant>,
    /// The velocity rules that hold it, separated by commas.
    pub held_by: String,
    /// When the partner had it, or it was refused.
    pub settled_at: Option<Instant>,
    /// Why support decided so.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a payable stands.
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
pub enum PayableState {
    /// A debt to the partner.
    Owed,
    /// Support decides first (BON-6).
    Suspended,
    /// The partner has it.
    Settled,
    /// Support refused it (BON-6).
    Refused,
}
