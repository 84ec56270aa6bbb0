//! Outages: spans in which the engine could not serve (OUT-1).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OutageId};

/// One row of `outage`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outage")]
pub struct Model {
    /// The outage.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OutageId,
    /// The last moment the engine is known to have served.
    pub down_at: Instant,
    /// The first moment it served again.
    pub up_at: Instant,
    /// How many deadlines were moved.
    pub touched: i64,
    /// The node that moves the deadlines.
    pub claimed_by: Option<Uuid>,
    /// When that node last renewed its claim.
    pub claimed_at: Option<Instant>,
    /// When all of them were moved; until then the outage is not over.
    pub recovered_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
