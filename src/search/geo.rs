//! Distances, and the public estimate of a route: pure.
#![expect(clippy::float_arithmetic, reason = "geometry is done in floats")]

use entity::value::Point;
use geo::{Distance as _, Haversine};

/// Metres between two points along the sphere.
#[must_use]
pub fn distance_m(a: Point, b: Point) -> i32 {
    let metres = Haversine.distance(geo::Point::new(a.lon, a.lat), geo::Point::new(b.lon, b.lat));
    whole(metres)
}

/// Estimated driving time, seconds: the straight line, longer by `detour_pct` percent, at
/// `speed_kmh`.
#[must_use]
pub fn route_secs(distance_m: i32, detour_pct: u32, speed_kmh: u32) -> i64 {
    let metres = i64::from(distance_m) * i64::from(detour_pct) / 100;
    let metres_per_hour = i64::from(speed_kmh.max(1)) * 1000;
    // Rounded up in the client's favour.
    (metres * 3600 + metres_per_hour - 1) / metres_per_hour
}

/// A box that holds every point within `radius_m` of the centre: (south, north, west, east) in
/// degrees.
#[must_use]
pub fn around(centre: Point, radius_m: u32) -> (f64, f64, f64, f64) {
    const METRES_PER_DEGREE: f64 = 111_195.0;
    let lat = f64::from(radius_m) / METRES_PER_DEGREE;
    let lon = lat / centre.lat.to_radians().cos().max(0.01);
    (centre.lat - lat, centre.lat + lat, centre.lon - lon, centre.lon + lon)
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "bounded just before")]
fn whole(metres: f64) -> i32 {
    metres.round().clamp(0.0, f64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_routes() {
        let maiden_tower = Point { lat: 40.3661, lon: 49.8372 };
        let flame_towers = Point { lat: 40.3595, lon: 49.8266 };
        let metres = distance_m(maiden_tower, flame_towers);
        assert!((1150..1180).contains(&metres), "measured on a map: 1.16 km, got {metres}");
        assert_eq!(route_secs(1000, 140, 28), 180);
        let (south, north, west, east) = around(maiden_tower, 2000);
        assert!(south < flame_towers.lat && flame_towers.lat < north);
        assert!(west < flame_towers.lon && flame_towers.lon < east);
    }
}
