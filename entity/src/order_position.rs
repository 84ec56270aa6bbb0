//! Positions sent by a client on the way (ARR-1, ARR-3).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OrderId};

/// One row of `order_position`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "order_position")]
pub struct Model {
    /// The report.
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
    /// The accuracy reported by the device, metres.
    pub accuracy_m: i32,
    /// The distance to the branch, metres.
    pub distance_m: i32,
    /// When the device says it took the fix; evidence only (ORD-5).
    pub fixed_at: Option<Instant>,
    /// The arrival estimate that was emitted with it, if any (LIM-3).
    pub eta_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
