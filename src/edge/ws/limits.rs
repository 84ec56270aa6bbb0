//! Feed limits per session and per account: open sockets, and resumes and snapshots per minute
//! (LIM-8). Counted on each node.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entity::value::{PersonId, SessionId};
use moka::sync::Cache;

use crate::access::Principal;
use crate::config::FeedSettings;

/// The largest number of sessions that are tracked.
const SESSIONS_MAX: u64 = 100_000;
/// The period of the limits.
const MINUTE: Duration = Duration::from_mins(1);

/// The usage on this node.
pub struct Limits {
    began: Instant,
    sockets: Mutex<Sockets>,
    resumes: Cache<SessionId, Arc<Mutex<Duration>>>,
    snapshots: Cache<SessionId, Arc<Mutex<Duration>>>,
}

#[derive(Default)]
struct Sockets {
    sessions: HashMap<SessionId, usize>,
    people: HashMap<PersonId, usize>,
}

/// One open socket; counted until dropped.
pub struct OpenSocket {
    limits: Arc<Limits>,
    session_id: SessionId,
    person_id: PersonId,
}

impl Default for Limits {
    fn default() -> Self {
        let cache = || Cache::builder().max_capacity(SESSIONS_MAX).time_to_idle(MINUTE * 2).build();
        let (resumes, snapshots) = (cache(), cache());
        Self { began: Instant::now(), sockets: Mutex::default(), resumes, snapshots }
    }
}

impl Limits {
    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more socket, unless the session or the account has reached its limit (LIM-8).
    #[must_use]
    pub fn open(
        self: &Arc<Self>,
        principal: &Principal,
        settings: &FeedSettings,
    ) -> Option<OpenSocket> {
        let (session_id, person_id) = (principal.session_id, principal.person_id);
        let mut sockets = self.sockets();
        let has = |n: Option<&usize>| n.copied().unwrap_or(0);
        if has(sockets.sessions.get(&session_id)) >= settings.sockets_per_session
            || has(sockets.people.get(&person_id)) >= settings.sockets_per_account
        {
            return None;
        }
        *sockets.sessions.entry(session_id).or_default() += 1;
        *sockets.people.entry(person_id).or_default() += 1;
        Some(OpenSocket { limits: Arc::clone(self), session_id, person_id })
    }

    /// Counts one resume of this session (LIM-8).
    ///
    /// # Errors
    /// The seconds to wait, if the limit is reached.
    pub fn resume(&self, session_id: SessionId, per_min: u32) -> Result<(), u64> {
        spend(&self.resumes, session_id, self.began.elapsed(), per_min)
    }

    /// Counts one snapshot of this session (LIM-8).
    ///
    /// # Errors
    /// The seconds to wait, if the limit is reached.
    pub fn snapshot(&self, session_id: SessionId, per_min: u32) -> Result<(), u64> {
        spend(&self.snapshots, session_id, self.began.elapsed(), per_min)
    }
}

fn spend(
    spent: &Cache<SessionId, Arc<Mutex<Duration>>>,
    session_id: SessionId,
    now: Duration,
    per_min: u32,
) -> Result<(), u64> {
    let paid_until = spent.get_with(session_id, Arc::default);
    let mut paid_until = paid_until.lock().unwrap_or_else(PoisonError::into_inner);
    let (next, wait) = charged(*paid_until, now, per_min);
    if wait.is_zero() {
        *paid_until = next;
        return Ok(());
    }
    Err(wait.as_secs() + 1)
}

/// The generic cell rate algorithm with a burst of one minute's acts: the new theoretical arrival
/// time, and how long to wait before the act.
fn charged(paid_until: Duration, now: Duration, per_min: u32) -> (Duration, Duration) {
    let next = paid_until.max(now) + MINUTE / per_min.max(1);
    (next, next.saturating_sub(now).saturating_sub(MINUTE))
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut sockets = self.limits.sockets();
        let Sockets { sessions, people } = &mut *sockets;
        less(sessions, &self.session_id);
        less(people, &self.person_id);
    }
}

fn less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(n) = counts.get_mut(key) {
        *n -= 1;
        if *n == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-8: a limit of six a minute allows six at once, and the seventh after ten seconds.
    #[test]
    fn lim_8_a_minutes_acts_and_then_one_at_a_time() {
        let seconds = Duration::from_secs;
        let mut paid = Duration::ZERO;
        for _ in 0..6 {
            let (next, wait) = charged(paid, seconds(100), 6);
            assert_eq!(wait, Duration::ZERO);
            paid = next;
        }
        assert_eq!(charged(paid, seconds(100), 6).1, seconds(10));
        assert_eq!(charged(paid, seconds(109), 6).1, seconds(1));
        assert_eq!(charged(paid, seconds(110), 6).1, Duration::ZERO);
    }
}
