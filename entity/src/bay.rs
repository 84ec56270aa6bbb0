//! Bays: places at a branch where one car can be served.

use sea_orm::entity::prelude::*;

use crate::value::{BayId, Instant, PartnerId};

/// One row of `bay`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "bay")]
pub struct Model {
    /// The bay.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BayId,
    /// The branch it belongs to.
    pub partner_id: PartnerId,
    /// Its name among the staff.
    pub name: String,
    /// What it can serve (`wash`, `lift`).
    pub kind: String,
    /// Whether it is in use.
    pub active: bool,
    /// When the row was created.
    pub created_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
