//! Coordinates and straight-line movement between them.
#![expect(clippy::float_arithmetic, reason = "geometry: degrees and metres, never money")]

use serde::{Deserialize, Serialize};

/// Metres in one degree of latitude.
const DEGREE_M: f64 = 111_195.0;

/// A point on the map.
///
/// # Units
/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

impl Point {
    /// The distance to another point in metres, on a plane.
    pub fn metres_to(self, other: Self) -> f64 {
        let north = (other.lat - self.lat) * DEGREE_M;
        let east = (other.lon - self.lon) * DEGREE_M * self.lat.to_radians().cos();
        north.hypot(east)
    }

    /// The point after `done` of `whole` steps along the straight line to `goal`.
    #[must_use]
    pub fn towards(self, goal: Self, done: u32, whole: u32) -> Self {
        let share = f64::from(done.min(whole)) / f64::from(whole.max(1));
        Self {
            lat: self.lat + (goal.lat - self.lat) * share,
            lon: self.lon + (goal.lon - self.lon) * share,
        }
    }

    /// The point moved by some metres north and east.
    #[must_use]
    pub fn moved(self, north_m: i32, east_m: i32) -> Self {
        let lat = self.lat + f64::from(north_m) / DEGREE_M;
        let lon = self.lon + f64::from(east_m) / (DEGREE_M * self.lat.to_radians().cos());
        Self { lat, lon }
    }
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn the_way_ends_at_its_goal() {
        let from = Point { lat: 40.40, lon: 49.85 };
        let goal = Point { lat: 40.41, lon: 49.90 };
        assert!(from.towards(goal, 5, 5).metres_to(goal) < 0.01);
        assert!((from.moved(30, 40).metres_to(from) - 50.0).abs() < 0.1);
        assert!((4_300.0..4_500.0).contains(&from.metres_to(goal)));
    }
}
