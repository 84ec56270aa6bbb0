//! Half-open spans of time.

use super::Instant;

/// A half-open span: `from` belongs to it, `until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant of the span.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
}

impl Span {
    /// Whether the instant lies within the span.
    #[must_use]
    pub fn holds(&self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }
}
