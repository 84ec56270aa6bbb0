//! Payables: what the operator owes a partner for an order paid with bonus (BON-5).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Money, OrderId, PartnerId, PayableId, PayoutId};

/// One row of `payable`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payable")]
pub struct Model {
    /// The debt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayableId,
    /// The order; at most one payable each.
    #[sea_orm(unique)]
    pub order_id: OrderId,
    /// The partner it is owed to.
    pub partner_id: PartnerId,
    /// Qəpik.
    pub amount: Money,
    /// Its current state.
    pub state: PayableState,
    /// The local date of its payout, if it waits for one: `YYYY-MM-DD`.
    pub due_on: Option<String>,
    /// The payout that includes it.
    pub payout_id: Option<PayoutId>,
    /// When it was created.
    pub created_at: Instant,
    /// The earliest instant it may be settled (LIM-6).
    pub held_until: Option<Instant>,
    /// The velocity rules that hold it, separated by commas.
    pub held_by: String,
    /// When it was paid to the partner, or refused.
    pub settled_at: Option<Instant>,
    /// The reason for support's decision.
    pub note: String,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a payable.
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
    /// Owed to the partner.
    Owed,
    /// Waits for support's decision (BON-6).
    Suspended,
    /// Paid to the partner.
    Settled,
    /// Support refused it (BON-6).
    Refused,
}
