//! When something that matters first reached a device (ORD-6, PEN-2).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OrderId, SessionId};

/// One row of `delivery`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// The order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    /// `offer` or `acceptance`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub what: String,
    /// The device.
    pub session_id: SessionId,
    /// When it acknowledged.
    pub at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
