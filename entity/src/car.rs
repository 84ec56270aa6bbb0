//! Clients' cars (ACC-7).

use sea_orm::entity::prelude::*;

use crate::value::{CarClass, CarId, Instant, PersonId, Sealed};

/// One row of `car`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "car")]
pub struct Model {
    /// The car.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CarId,
    /// The client who owns it.
    pub client_id: PersonId,
    /// The plate, sealed.
    pub plate: Sealed,
    /// Keyed hash of the plate.
    pub plate_hash: String,
    /// Make and model.
    pub make: String,
    /// The class, which determines price and duration.
    pub class: CarClass,
    /// When the row was created.
    pub created_at: Instant,
    /// When the client removed it.
    pub removed_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
