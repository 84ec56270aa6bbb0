//! A bounded queue of planned actions ordered by real time; each action is queued at most once.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use tokio::time::Instant;

/// Planned actions held at one time.
const INTENTIONS_MAX: usize = 10_000;

/// Planned actions ordered by their due time. An action is queued once; after it is forgotten it
/// may be queued again.
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
    /// Plans an action for an instant; returns whether it is new.
    pub fn mean(&mut self, at: Instant, what: T) -> bool {
        if self.due.len() >= INTENTIONS_MAX || !self.meant.insert(what.clone()) {
            return false;
        }
        self.taken += 1;
        self.due.insert((at, self.taken), what);
        true
    }

    /// Whether the action was planned and not forgotten since.
    pub fn knows(&self, what: &T) -> bool {
        self.meant.contains(what)
    }

    /// When the next action is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next due action; it counts as planned until it is forgotten.
    pub fn take_due(&mut self, now: Instant) -> Option<T> {
        let entry = self.due.first_entry()?;
        if entry.key().0 <= now { Some(entry.remove()) } else { None }
    }

    /// Forgets every action the predicate accepts.
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
