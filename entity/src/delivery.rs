//! Deliveries: when an offer or an acceptance first reached a device (ORD-6, PEN-2).

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
    /// When the device acknowledged it.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
