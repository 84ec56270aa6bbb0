//! Occupancy cells: five minutes of a bay or a car taken by one visit or block; the primary key
//! refuses a second taker (BK-2).

use sea_orm::entity::prelude::*;

/// One row of `tick`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "occupancy")]
pub struct Model {
    /// The bay, or the car.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource: Uuid,
    /// Unix seconds divided by 300.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// The order or the block that takes it.
    pub holder: Uuid,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
