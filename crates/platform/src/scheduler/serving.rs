//! Whether this node may decide now: until when the database is known to have been served, and
//! whether the node's clock is right (OUT-1).
//!
//! A node that was suspended, or whose database was away, finds a gap when it continues. The
//! deadlines in that gap are extended first ([`Serving::confirm`] follows that); commands wait for
//! it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use entity::value::Instant;
use tokio::sync::Notify;

use crate::clock::Clock;

/// How long a command waits for the recovery from an outage before the client is asked to retry.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Why the node may not decide now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The deadlines of an outage have not been extended yet.
    Recovering,
    /// This node's clock differs from the database's.
    ClockOff,
}

/// Whether one node may decide.
pub struct Serving {
    /// Microseconds: the last moment up to which no gap is open.
    good: AtomicI64,
    /// How long after it decisions may be made, microseconds.
    patience: AtomicI64,
    clock_off: AtomicBool,
    /// Nodes of another kind serve beside this one.
    crowded: AtomicBool,
    changed: Notify,
}

impl Default for Serving {
    /// Without heartbeats to watch, as in the command line, decisions are always allowed.
    fn default() -> Self {
        Self {
            good: AtomicI64::new(0),
            patience: AtomicI64::new(i64::MAX),
            clock_off: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }
}

impl Serving {
    /// From now on a node serves only for `patience` after each confirmation; none was given yet.
    pub fn watch(&self, patience: TimeDelta) {
        self.patience.store(patience.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Confirms that up to this moment all deadlines of outages were extended.
    pub fn confirm(&self, at: Instant) {
        self.good.fetch_max(at.timestamp_micros(), Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Notes that a command sent at this moment committed: the database was served. That closes no
    /// gap.
    pub fn committed(&self, sent: Instant) {
        if self.now(sent).is_ok() {
            self.good.fetch_max(sent.timestamp_micros(), Ordering::SeqCst);
        }
    }

    /// The last confirmed moment.
    #[must_use]
    pub fn good(&self) -> Instant {
        let micros = self.good.load(Ordering::SeqCst);
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Sets whether the clock is too far off; true where that changed.
    pub fn clock(&self, off: bool) -> bool {
        let news = self.clock_off.swap(off, Ordering::SeqCst) != off;
        self.changed.notify_waiters();
        news
    }

    /// Says whether nodes serve beside this one that must not: they and this node do not hear each
    /// other. Commands go on, for refusing them would turn a mistake of configuration into an
    /// outage; but the node is not ready.
    pub fn crowd(&self, crowded: bool) {
        self.crowded.store(crowded, Ordering::SeqCst);
    }

    /// Does it serve only beside nodes that it may serve beside?
    #[must_use]
    pub fn has_its_place(&self) -> bool {
        !self.crowded.load(Ordering::SeqCst)
    }

    /// May this node decide at this instant?
    ///
    /// # Errors
    /// Why not.
    pub fn now(&self, now: Instant) -> Result<(), Pause> {
        if self.clock_off.load(Ordering::SeqCst) {
            return Err(Pause::ClockOff);
        }
        let since = now.timestamp_micros().saturating_sub(self.good.load(Ordering::SeqCst));
        let patience = self.patience.load(Ordering::SeqCst);
        if since <= patience { Ok(()) } else { Err(Pause::Recovering) }
    }

    /// An instant at which this node may decide; waits for the end of a recovery.
    ///
    /// # Errors
    /// When the recovery took too long, and at once when the clock is off.
    pub async fn instant(&self, clock: &dyn Clock) -> Result<Instant, Pause> {
        let began = std::time::Instant::now();
        loop {
            let changed = self.changed.notified();
            let now = clock.now();
            match self.now(now) {
                Ok(()) => return Ok(now),
                Err(Pause::ClockOff) => return Err(Pause::ClockOff),
                Err(Pause::Recovering) => {}
            }
            let left = WAIT_MAX.saturating_sub(began.elapsed());
            if tokio::time::timeout(left, changed).await.is_err() {
                return self.now(clock.now()).map(|()| clock.now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// OUT-1: after a gap only a confirmation lets the node decide, never a late commit.
    #[test]
    fn out_1_a_late_commit_closes_no_gap() {
        let serving = Serving::default();
        assert_eq!(serving.now(at(1_000_000)), Ok(()));
        serving.watch(TimeDelta::seconds(3));
        assert_eq!(serving.now(at(100)), Err(Pause::Recovering));
        serving.confirm(at(100));
        assert_eq!(serving.now(at(103)), Ok(()));
        serving.committed(at(102));
        assert_eq!(serving.now(at(105)), Ok(()));
        assert_eq!(serving.now(at(106)), Err(Pause::Recovering));
        serving.committed(at(106));
        assert_eq!(serving.now(at(106)), Err(Pause::Recovering));
        serving.confirm(at(106));
        assert_eq!(serving.now(at(106)), Ok(()));
        assert!(serving.clock(true));
        assert_eq!(serving.now(at(106)), Err(Pause::ClockOff));
    }

    /// OUT-1: a command that waits continues after the recovery, at an instant after it.
    #[tokio::test]
    async fn out_1_a_command_waits_for_the_recovery() {
        let serving = Serving::default();
        serving.watch(TimeDelta::seconds(3));
        let clock = TestClock::at(at(500));
        let recovery = async {
            clock.set(at(501));
            serving.confirm(at(501));
        };
        let (instant, ()) = tokio::join!(serving.instant(&clock), recovery);
        assert_eq!(instant, Ok(at(501)));
    }
}
