//! Positions a client sent on the way (ARR-1, ARR-3).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OrderId};

/// One row of `order_position`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_position")]
pub struct Model {
    /// The ping.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The order.
    pub order_id: OrderId,
    /// When it was received.
    pub at: Instant,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Metres, as the device said.
    pub accuracy_m: i32,
    /// Metres to the branch.
    pub distance_m: i32,
    /// When the device took the fix, if it said so; evidence only (ORD-5).
    pub fixed_at: Option<Instant>,
    /// The estimate of the arrival that was told with it, if one was (LIM-3).
    pub eta_at: Option<Instant>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
