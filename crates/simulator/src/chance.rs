//! The random generator of one simulated person, seeded from the simulator's seed, the role and the
//! person's number.

use client::Point;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The range of latitudes people live in, degrees.
const LAT: std::ops::Range<f64> = 40.372..40.442;
/// The range of longitudes, degrees.
const LON: std::ops::Range<f64> = 49.805..49.970;

/// Seeded randomness of one person.
#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    /// The generator of person `number` in `role`; the same seed gives the same sequence.
    pub fn of(seed: u64, role: &str, number: usize) -> Self {
        let mut mixed = seed ^ 0x9e37_79b9_7f4a_7c15;
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        for byte in role.bytes().chain(number.to_le_bytes()) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        Self(StdRng::seed_from_u64(mixed))
    }

    /// Returns true with the given probability.
    ///
    /// # Units
    /// Cases in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.0.random_range(0..1000) < per_mille
    }

    /// A whole number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A signed whole number in `-reach..=reach`.
    pub fn around(&mut self, reach: i32) -> i32 {
        self.0.random_range(-reach.abs()..=reach.abs())
    }

    /// A random element, `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        if things.is_empty() { None } else { things.get(self.0.random_range(0..things.len())) }
    }

    /// A random element, with earlier ones more likely.
    pub fn pick_early<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        if things.is_empty() {
            return None;
        }
        let last = self.0.random_range(0..things.len());
        things.get(self.0.random_range(0..=last))
    }

    /// A random point in the simulated area.
    pub fn somewhere(&mut self) -> Point {
        Point { lat: self.0.random_range(LAT), lon: self.0.random_range(LON) }
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_same_seed_throws_the_same_dice() {
        let throw = |seed, number| {
            let mut dice = Dice::of(seed, "client", number);
            (0..8).map(|_| dice.between(0, 1_000_000)).collect::<Vec<_>>()
        };
        assert_eq!(throw(7, 3), throw(7, 3));
        assert_ne!(throw(7, 3), throw(7, 4));
        assert_ne!(throw(7, 3), throw(8, 3));
    }
}
