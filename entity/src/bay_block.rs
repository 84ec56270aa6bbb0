//! Bay blocks: spans in which staff closed a bay by hand, for walk-ins or repairs (BK-13).

use sea_orm::entity::prelude::*;

use crate::value::{BayId, BlockId, Instant, PartnerId};

/// One row of `bay_block`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bay_block")]
pub struct Model {
    /// The block; its occupancy cells are held under this id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BlockId,
    /// The branch of the bay.
    pub partner_id: PartnerId,
    /// The bay.
    pub bay_id: BayId,
    /// The first instant of the block.
    pub starts_at: Instant,
    /// The first instant after it.
    pub ends_at: Instant,
    /// The reason.
    pub note: String,
    /// Since when it stands.
    pub created_at: Instant,
    /// When the block was removed.
    pub removed_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::partly::Partly for Entity {
    fn stand_in(_: Column) -> Option<sea_orm::sea_query::SimpleExpr> {
        None
    }

    fn mark(_: &mut Model, _: String) {}
}
