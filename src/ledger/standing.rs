//! This node's copy of the result of the newest proofs; while it is negative, nothing is accepted
//! (BAL-6).

use std::sync::atomic::{AtomicBool, Ordering};

/// This node's copy of the shared result.
#[derive(Default)]
pub struct Standing(AtomicBool);

impl Standing {
    /// Whether the books are right, as far as is known.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// Copies the newest result; returns whether it differs from the one before.
    pub fn set(&self, holds: bool) -> bool {
        self.0.swap(!holds, Ordering::Relaxed) == holds
    }
}
