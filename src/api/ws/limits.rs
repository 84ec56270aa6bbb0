//! How much of the feed one session and one account may have: sockets at once, resumes and
//! snapshots in a minute (LIM-8). All nodes count together while Redis is there, each by itself
//! while it is away.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::value::{PersonId, SessionId};
use uuid::Uuid;

use crate::access::Principal;
use crate::config::{FeedSettings, Settings};
use platform::rate_limit::socket_count::{Socket, SocketCount};
use platform::rate_limit::{Buckets, Exceeded, Quota};

/// What is in use.
pub struct SocketLimits {
    sockets: Mutex<Sockets>,
    everywhere: SocketCount,
    resumes: Arc<Buckets>,
    snapshots: Arc<Buckets>,
}

/// On this node.
#[derive(Default)]
struct Sockets {
    sessions: HashMap<SessionId, usize>,
    people: HashMap<PersonId, usize>,
}

/// One open socket; counted until dropped.
pub struct OpenSocket {
    limits: Arc<SocketLimits>,
    session_id: SessionId,
    person_id: PersonId,
    socket: Socket,
}

impl SocketLimits {
    /// As the settings say; nothing is in use.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let feed = &settings.feed;
        let buckets = |name, per_min| Arc::new(Buckets::new(Quota::per_minute(name, per_min)));
        Self {
            sockets: Mutex::default(),
            everywhere: SocketCount::on(&settings.bus.channel, settings.clustered()),
            resumes: buckets("resumes", feed.resumes_per_min),
            snapshots: buckets("snapshots", feed.snapshots_per_min),
        }
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is shared between nodes as rates are.
    #[must_use]
    pub fn buckets(&self) -> Vec<Arc<Buckets>> {
        vec![Arc::clone(&self.resumes), Arc::clone(&self.snapshots)]
    }

    /// Keeps the sockets counted in Redis, until it is dropped.
    pub async fn keep(self: Arc<Self>, redis_url: String) {
        self.everywhere.keep(redis_url).await;
    }

    /// Counts one socket more, unless the session or the account has as many as it may, here or on
    /// all nodes together (LIM-8).
    pub async fn open(
        self: &Arc<Self>,
        principal: &Principal,
        settings: &FeedSettings,
    ) -> Option<OpenSocket> {
        let open = self.open_here(principal, settings)?;
        let (per_session, per_account) =
            (settings.sockets_per_session, settings.sockets_per_account);
        let fits = self.everywhere.open(open.socket, per_session, per_account).await;
        fits.then_some(open)
    }

    fn open_here(
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
        let socket = Socket { person: person_id.0, session: session_id.0, id: Uuid::new_v4() };
        Some(OpenSocket { limits: Arc::clone(self), session_id, person_id, socket })
    }

    /// Counts one resume of this session (LIM-8).
    ///
    /// # Errors
    /// Seconds to wait, when there were too many.
    pub fn resume(&self, session_id: SessionId) -> Result<(), u64> {
        self.resumes.take(session_id.0.as_u128(), 1).map_err(wait_s)
    }

    /// Counts one snapshot of this session (LIM-8).
    ///
    /// # Errors
    /// Seconds to wait, when there were too many.
    pub fn snapshot(&self, session_id: SessionId) -> Result<(), u64> {
        self.snapshots.take(session_id.0.as_u128(), 1).map_err(wait_s)
    }
}

fn wait_s(exceeded: Exceeded) -> u64 {
    exceeded.retry_after.as_secs() + 1
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut sockets = self.limits.sockets();
        let Sockets { sessions, people } = &mut *sockets;
        less(sessions, &self.session_id);
        less(people, &self.person_id);
        drop(sockets);
        self.limits.everywhere.close(self.socket);
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
