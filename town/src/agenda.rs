//! What somebody means to do and when: an agenda in real time, bounded, each intention once.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use tokio::time::Instant;

/// Intentions on one agenda at one time.
const INTENTIONS_MAX: usize = 10_000;

/// Intentions ordered by their moment; one intention stands on it once, and once dropped it may
/// come again.
#[derive(Debug)]
pub struct Agenda<T> {
    due: BTreeMap<(Instant, u64), T>,
    meant: HashSet<T>,
    taken: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), meant: HashSet::new(), taken: 0 }
    }
}

impl<T: Clone + Eq + Hash> Agenda<T> {
    /// Means to do it then; answers whether it is new.
    pub fn mean(&mut self, at: Instant, what: T) -> bool {
        if self.due.len() >= INTENTIONS_MAX || !self.meant.insert(what.clone()) {
            return false;
        }
        self.taken += 1;
        self.due.insert((at, self.taken), what);
        true
    }

    /// Whether it was ever meant and not forgotten.
    pub fn knows(&self, what: &T) -> bool {
        self.meant.contains(what)
    }

    /// When the next is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next that is due now; it stays known until it is forgotten.
    pub fn take_due(&mut self, now: Instant) -> Option<T> {
        let entry = self.due.first_entry()?;
        if entry.key().0 <= now { Some(entry.remove()) } else { None }
    }

    /// Forgets everything this is true of.
    pub fn forget(&mut self, is_it: impl Fn(&T) -> bool) {
        self.due.retain(|_, what| !is_it(what));
        self.meant.retain(|what| !is_it(what));
    }
}

#[cfg(test)]
mod tests {
    use super::Agenda;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn each_intention_stands_once_and_comes_in_its_turn() {
        let now = Instant::now();
        let mut agenda = Agenda::default();
        assert!(agenda.mean(now + Duration::from_secs(9), "late"));
        assert!(agenda.mean(now, "soon"));
        assert!(!agenda.mean(now, "late"));
        assert_eq!(agenda.take_due(now), Some("soon"));
        assert_eq!(agenda.take_due(now), None);
        assert!(agenda.knows(&"soon"));
        agenda.forget(|what| *what == "soon");
        assert!(agenda.mean(now, "soon"));
    }
}
