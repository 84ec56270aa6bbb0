//! Five minutes of a bay or a car, held by one visit or block: the database refuses a second one
//! (BK-2).

use sea_orm::entity::prelude::*;

/// One row of `tick`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tick")]
pub struct Model {
    /// The bay, or the car.
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource: Uuid,
    /// Unix seconds divided by 300.
    #[sea_orm(primary_key, auto_increment = false)]
    pub n: i64,
    /// The order or the block that holds it.
    pub holder: Uuid,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
