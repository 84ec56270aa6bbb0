//! The sockets of one account and one session on all nodes, counted in Redis (LIM-8).
//!
//! A node asks once for each socket that opens, and says every few seconds which it still has: what
//! a node that died had open is forgotten soon. While Redis is away each node counts by itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use uuid::Uuid;

use super::shared::connect;
use crate::clock::pause;

/// How often a node says which sockets it has, and looks for Redis while it is away.
const EVERY: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);
/// A socket of which its node said nothing for so long is forgotten, milliseconds.
const FORGOTTEN_MS: u64 = 20_000;
/// Sockets told in one message.
const TOGETHER_MAX: usize = 512;

/// Counts one more socket of an account, unless it or the session has as many as it may. `ARGV`:
/// session, socket, the most of a session and of an account, milliseconds until it is forgotten.
const OPEN: &str = r"
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local open = redis.call('ZRANGE', KEYS[1], 0, -1)
local same = 0
for _, name in ipairs(open) do
  if string.sub(name, 1, #ARGV[1]) == ARGV[1] then same = same + 1 end
end
if #open >= tonumber(ARGV[4]) or same >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[5], ARGV[1] .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
";

/// Says that sockets are still open. `ARGV`: milliseconds until they are forgotten, then for each
/// key its session and socket.
const KEEP: &str = r"
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1
";

/// A socket: whose, of which session, which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// The account.
    pub person: Uuid,
    /// The session.
    pub session: Uuid,
    /// The socket itself.
    pub id: Uuid,
}

impl Socket {
    fn name(&self) -> String {
        format!("{}{}", self.session.simple(), self.id.simple())
    }
}

/// The count of all nodes, as far as Redis is there.
pub struct SocketCount {
    channel: String,
    shared: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Open here; true where Redis was told.
    open: HashMap<Socket, bool>,
    /// Closed here, and Redis was not told yet.
    closed: Vec<Socket>,
}

impl SocketCount {
    /// For the nodes on this channel; `shared` where there may be several.
    #[must_use]
    pub fn on(channel: &str, shared: bool) -> Self {
        Self { channel: channel.to_owned(), shared, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, person: Uuid) -> String {
        format!("yumo:{}:sockets:{}", self.channel, person.simple())
    }

    /// Counts a socket that opens; false when the session or the account has as many as it may on
    /// all nodes together.
    pub async fn open(&self, socket: Socket, per_session: usize, per_account: usize) -> bool {
        if !self.shared {
            return true;
        }
        let connection = self.state().connection.clone();
        let Some(mut connection) = connection else {
            self.state().open.insert(socket, false);
            return true;
        };
        let script = redis::Script::new(OPEN);
        let mut call = script.key(self.key(socket.person));
        call.arg(socket.session.simple().to_string()).arg(socket.id.simple().to_string());
        call.arg(per_session).arg(per_account).arg(FORGOTTEN_MS);
        let counted: Result<u8, _> = call.invoke_async(&mut connection).await;
        let mut state = self.state();
        match counted {
            Ok(0) => false,
            Ok(_) => {
                state.open.insert(socket, true);
                true
            }
            Err(_) => {
                state.connection = None;
                state.open.insert(socket, false);
                true
            }
        }
    }

    /// A socket was closed.
    pub fn close(&self, socket: Socket) {
        let mut state = self.state();
        if state.open.remove(&socket).is_some() {
            state.closed.push(socket);
        }
    }

    /// Keeps the count right, until it is dropped.
    pub async fn keep(&self, url: String) {
        let client = match redis::Client::open(url) {
            Ok(client) => client,
            Err(error) => return tracing::error!(%error, "sockets are counted on each node"),
        };
        let mut waited = EVERY;
        loop {
            let whole = waited >= EVERY;
            let told = self.tell(&client, whole).await;
            if told.is_err() {
                self.state().connection = None;
            }
            waited = if whole { Duration::ZERO } else { waited };
            pause(AGAIN).await;
            waited += AGAIN;
        }
    }

    /// Tells Redis what was closed, and what is open: all of it where `whole`.
    async fn tell(&self, client: &redis::Client, whole: bool) -> Result<(), redis::RedisError> {
        let known = self.state().connection.clone();
        let new = known.is_none();
        let mut connection = match known {
            Some(connection) => connection,
            None => connect(client).await?,
        };
        let (open, closed) = {
            let mut state = self.state();
            state.connection = Some(connection.clone());
            let some = state.open.iter().filter(|(_, told)| whole || new || !**told);
            let open: Vec<Socket> = some.map(|(socket, _)| *socket).collect();
            (open, std::mem::take(&mut state.closed))
        };
        let script = redis::Script::new(KEEP);
        for part in open.chunks(TOGETHER_MAX) {
            let mut call = script.prepare_invoke();
            call.arg(FORGOTTEN_MS);
            for socket in part {
                call.key(self.key(socket.person)).arg(socket.name());
            }
            let _: u8 = call.invoke_async(&mut connection).await?;
        }
        for part in closed.chunks(TOGETHER_MAX) {
            let mut pipe = redis::pipe();
            for socket in part {
                pipe.zrem(self.key(socket.person), socket.name()).ignore();
            }
            let _: () = pipe.query_async(&mut connection).await?;
        }
        let mut state = self.state();
        for socket in open {
            state.open.entry(socket).and_modify(|told| *told = true);
        }
        Ok(())
    }
}
