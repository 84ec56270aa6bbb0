//! Places where a car can be served.

use sea_orm::entity::prelude::*;

use crate::value::{BayId, Instant, PartnerId};

/// One row of `bay`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bay")]
pub struct Model {
    /// The bay.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BayId,
    /// Whose it is.
    pub partner_id: PartnerId,
    /// What staff call it.
    pub name: String,
    /// What it can serve (`wash`, `lift`).
    pub kind: String,
    /// In use.
    pub active: bool,
    /// Since when.
    pub created_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
