//! Points on the earth.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A point in WGS 84 degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Latitude.
    #[schema(minimum = -90, maximum = 90)]
    pub lat: f64,
    /// Longitude.
    #[schema(minimum = -180, maximum = 180)]
    pub lon: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    lat: f64,
    lon: f64,
}

impl Point {
    /// The point, or `None` if the coordinates are out of range.
    #[must_use]
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        let real = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        real.then_some(Self { lat, lon })
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Self::new(wire.lat, wire.lon)
            .ok_or_else(|| serde::de::Error::custom("a point is lat −90…90 and lon −180…180"))
    }
}
