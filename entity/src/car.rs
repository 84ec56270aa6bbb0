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
    /// Whose it is.
    pub client_id: PersonId,
    /// The plate, sealed.
    pub plate: Sealed,
    /// Keyed hash of the plate.
    pub plate_hash: String,
    /// Make and model.
    pub make: String,
    /// Class: price and duration.
    pub class: CarClass,
    /// Since when.
    pub created_at: Instant,
    /// When the client let it go.
    pub removed_at: Option<Instant>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
