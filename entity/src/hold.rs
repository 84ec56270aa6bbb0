//! Money held for an order: pending, then captured or released (COM-3).

use sea_orm::entity::prelude::*;

use crate::value::{HoldId, Instant, LotId, Money, OrderId};

/// One row of `hold`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hold")]
pub struct Model {
    /// The hold.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HoldId,
    /// The order.
    pub order_id: OrderId,
    /// The wallet the money is held in.
    pub wallet_id: Uuid,
    /// How much of the balance is held now.
    pub amount: Money,
    /// How much of the bonus is held now.
    pub bonus: Money,
    /// The allocations, in the order they were taken, where bonus is among them (BON-2, COM-3).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub allocations: Option<Allocations>,
    /// Its current state.
    pub state: HoldState,
    /// When it was taken.
    pub at: Instant,
    /// When it was captured or released.
    pub ended_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The state of a hold.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Pending.
    Open,
    /// Became a posting.
    Captured,
    /// Released.
    Released,
}

/// The allocations of a hold in the order they were taken; the last one is returned first (COM-3).
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::FromJsonQueryResult,
)]
#[serde(transparent)]
pub struct Allocations(pub Vec<Allocation>);

/// One allocation of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Allocation {
    /// The amount.
    pub amount: Money,
    /// The lot it comes from; the balance if none is named.
    pub pin: Option<ReservedLot>,
}

/// The held part of a lot, and the lifetime the lot had left when it was held (BON-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReservedLot {
    /// The lot.
    pub lot: LotId,
    /// When the lot would have expired.
    pub expires_at: Instant,
    /// The lifetime the lot had left, microseconds.
    pub left_us: i64,
}
