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
    /// Whose money.
    pub wallet_id: Uuid,
    /// How much of the balance is held now.
    pub amount: Money,
    /// How much of the bonus is held now.
    pub bonus: Money,
    /// In which order it was taken, where bonus is among it (BON-2, COM-3).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub legs: Option<Legs>,
    /// Where it stands.
    pub state: HoldState,
    /// When it was taken.
    pub at: Instant,
    /// When it was captured or released.
    pub ended_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a hold stands.
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
    /// Let go.
    Released,
}

/// What is held, in the order in which it was taken: what was taken last goes back first (COM-3).
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
pub struct Legs(pub Vec<Leg>);

/// A part of what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Leg {
    /// How much.
    pub amount: Money,
    /// Out of which lot; of the balance where none is named.
    pub pin: Option<Pin>,
}

/// A part of a lot that is held, and the time the lot had when it was (BON-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pin {
    /// The lot.
    pub lot: LotId,
    /// When it would have expired.
    pub expires_at: Instant,
    /// The lifetime it had left, microseconds.
    pub left_us: i64,
}
