//! Turns: commands of this node that take the next number of the same sequence follow one another,
//! instead of running again and again when another of them took the number first.
//!
//! A turn decides nothing: the database still lets each number be taken once, and between nodes
//! that alone is what orders them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// How long one run of a command waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Sequences remembered; above it those nobody waits for are forgotten.
const KNOWN_MAX: usize = 1_024;

/// A sequence of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sequence {
    /// Acts of one person.
    Actor(Uuid),
    /// Acts about one subject.
    Subject(Uuid),
}

/// A command's turn; the next one has it when this is dropped.
pub type Turn = OwnedMutexGuard<()>;

/// Who is next, by sequence. One that takes several takes them in the order of [`Sequence`]'s
/// kinds, so that a fixed order prevents deadlocks.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Sequence, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the turn; nothing when that takes too long.
    pub async fn wait(&self, sequence: Sequence) -> Option<Turn> {
        let mutex = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN_MAX {
                known.retain(|_, mutex| Arc::strong_count(mutex) > 1);
            }
            Arc::clone(known.entry(sequence).or_default())
        };
        tokio::time::timeout(WAIT_MAX, mutex.lock_owned()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One after another in one sequence, beside each other in two.
    #[tokio::test]
    async fn a_sequence_has_one_turn_at_a_time() {
        let (turns, id) = (Turns::default(), Uuid::nil());
        let first = turns.wait(Sequence::Actor(id)).await;
        assert!(turns.wait(Sequence::Subject(id)).await.is_some());
        let mut second = std::pin::pin!(turns.wait(Sequence::Actor(id)));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(first);
        assert!(second.await.is_some());
    }
}
