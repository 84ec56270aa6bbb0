//! Times in which a bay is closed by hand: walk-ins, repairs (BK-13).

use sea_orm::entity::prelude::*;

use crate::value::{BayId, BlockId, Instant, PartnerId};

/// One row of `bay_block`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bay_block")]
pub struct Model {
    /// The block; its ticks are held under this id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BlockId,
    /// Whose bay.
    pub partner_id: PartnerId,
    /// Which bay.
    pub bay_id: BayId,
    /// From then.
    pub starts_at: Instant,
    /// Until then, exclusive.
    pub ends_at: Instant,
    /// Why.
    pub note: String,
    /// Since when it stands.
    pub created_at: Instant,
    /// Taken away.
    pub removed_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::partly::Partly for Entity {
    fn stand_in(_: Column) -> Option<sea_orm::sea_query::SimpleExpr> {
        None
    }

    fn mark(_: &mut Model, _: String) {}
}
