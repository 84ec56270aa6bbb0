//! Where a reader is in a feed: the last number it received, and that number's epoch.

/// A reader's position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The last number received; none before a snapshot was taken.
    pub after: Option<i64>,
    /// The epoch of that number.
    pub epoch: Option<String>,
}

/// A number that does not follow the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("number {seq} came after {after}")]
pub struct Gap {
    /// The last number before it.
    pub after: i64,
    /// The number received.
    pub seq: i64,
}

impl Position {
    /// Moves on to a number.
    ///
    /// # Errors
    /// When it does not follow the one before; the position is at the number all the same.
    pub fn advance(&mut self, seq: i64) -> Result<(), Gap> {
        let after = self.after.replace(seq).unwrap_or(0);
        if seq == after.saturating_add(1) { Ok(()) } else { Err(Gap { after, seq }) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Gap, Position};

    #[test]
    fn numbers_follow_one_another() {
        let mut position = Position::default();
        assert_eq!(position.advance(1), Ok(()));
        assert_eq!(position.advance(2), Ok(()));
        assert_eq!(position.advance(2), Err(Gap { after: 2, seq: 2 }));
        assert_eq!(position.advance(4), Err(Gap { after: 2, seq: 4 }));
        assert_eq!(position.advance(5), Ok(()));
    }
}
