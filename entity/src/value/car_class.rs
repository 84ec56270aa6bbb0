//! Car classes, which determine price and duration (ACC-7).

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The class of a car.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum CarClass {
    /// A small car with a rear door.
    Hatchback,
    /// A saloon.
    Sedan,
    /// A high car.
    Suv,
    /// A small bus.
    Minivan,
    /// A car with an open bed.
    Pickup,
}
