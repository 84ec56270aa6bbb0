//! Money held for an order: pending, then captured or released (COM-3).

use sea_orm::entity::prelude::*;

use crate::value::{HoldId, Instant, Money, OrderId};

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
    /// How much is held now.
    pub amount: Money,
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
