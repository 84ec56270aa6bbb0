//! Opening hours: the weekly hours of a branch, in its local time (BK-12).

use sea_orm::entity::prelude::*;

use crate::value::PartnerId;

/// One row of `opening`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "opening")]
pub struct Model {
    /// The branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    /// 1 Monday … 7 Sunday.
    #[sea_orm(primary_key, auto_increment = false)]
    pub weekday: i16,
    /// Minutes after local midnight.
    #[sea_orm(primary_key, auto_increment = false)]
    pub opens_min: i16,
    /// Minutes after the same midnight; past 1440 is the next day.
    pub closes_min: i16,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
