//! The text of a campaign's code: as typed, and random (BON-8, LIM-6).

use entity::value::fold::fold_code;

/// Length of a random code, in characters: 60 bits.
const RANDOM_CHARS: usize = 12;
/// The alphabet of random codes, without characters that look alike.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Normalises a code, whatever keyboard it is typed on (BON-8).
#[must_use]
pub fn typed(code: &str) -> String {
    fold_code(code)
}

/// A random code that cannot be guessed.
#[must_use]
pub fn random() -> String {
    let one = || ALPHABET.get(rand::random_range(0..ALPHABET.len())).copied().map(char::from);
    (0..RANDOM_CHARS).filter_map(|_| one()).collect()
}
