//! Rate limits across nodes: the tokens that each node takes are added up in Redis (LIM-9).
//!
//! A few times a second a node sends what it took since and reads the total of all nodes. While
//! Redis is away each node limits by its own count.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;

use super::{Buckets, Taken};
use crate::clock::pause;

/// How often nodes exchange their counts.
const EVERY: Duration = Duration::from_millis(200);
/// How often a node looks for Redis while it is away.
const AGAIN: Duration = Duration::from_secs(1);
/// How long Redis may take to let a node in, and to answer.
const CONNECT_MAX: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// Buckets told in one message.
const TOGETHER_MAX: usize = 512;
/// How much longer than a bucket needs to fill Redis stores it, milliseconds.
const SLACK_MS: u64 = 1_000;

/// Adds what was taken to each bucket, by the clock of Redis, and answers for each how many
/// microseconds it needs to be full again. A bucket is never fuller than the node that asks knows:
/// that restores what Redis lost. `ARGV`: the whole of a bucket in microseconds, the slack, then
/// for each key its cost and what it needs here to be full.
const ADD: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = tonumber(ARGV[1])
local answers = {}
for i, key in ipairs(KEYS) do
  local full = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[2 * i + 1])
  full = math.max(full, now + tonumber(ARGV[2 * i + 2]))
  full = math.min(full, now + whole)
  local left = full - now
  local keep = math.ceil(left / 1000) + tonumber(ARGV[2])
  redis.call('SET', key, string.format('%.0f', full), 'PX', keep)
  answers[i] = left
end
return answers
";

/// Shares these buckets with all nodes on the same channel, until the future is dropped.
pub async fn share(buckets: Vec<Arc<Buckets>>, url: String, channel: String) {
    let client = match redis::Client::open(url) {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "rate limits are not shared"),
    };
    let mut sharing =
        Sharing { client, connection: None, script: redis::Script::new(ADD), channel };
    let mut away = false;
    loop {
        pause(if away { AGAIN } else { EVERY }).await;
        let shared = sharing.round(&buckets).await;
        match (&shared, away) {
            (Err(error), false) => {
                tracing::warn!(%error, "Redis is away: each node limits rates by itself");
            }
            (Ok(()), true) => tracing::info!("Redis is back: nodes limit rates together"),
            (Ok(()), false) | (Err(_), true) => {}
        }
        away = shared.is_err();
        metrics::gauge!("yumo_rates_shared").set(if away { 0.0 } else { 1.0 });
    }
}

/// A connection on which no answer is waited for without limit.
///
/// # Errors
/// When Redis is away.
pub async fn connect(client: &redis::Client) -> Result<MultiplexedConnection, redis::RedisError> {
    let config = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_MAX))
        .set_response_timeout(Some(ANSWER_MAX));
    client.get_multiplexed_async_connection_with_config(&config).await
}

struct Sharing {
    client: redis::Client,
    connection: Option<MultiplexedConnection>,
    script: redis::Script,
    channel: String,
}

impl Sharing {
    /// Tells Redis of everything there is to tell. After an error the connection is made anew.
    async fn round(&mut self, buckets: &[Arc<Buckets>]) -> Result<(), redis::RedisError> {
        if self.connection.is_none() {
            self.connection = Some(connect(&self.client).await?);
        }
        for buckets in buckets {
            let taken = buckets.unshared(buckets.now());
            let mut told = 0;
            for part in taken.chunks(TOGETHER_MAX) {
                if let Err(error) = self.exchange(buckets, part).await {
                    buckets.not_shared(taken.get(told..).unwrap_or_default(), buckets.now());
                    self.connection = None;
                    return Err(error);
                }
                told += part.len();
            }
        }
        Ok(())
    }

    async fn exchange(
        &mut self,
        buckets: &Buckets,
        taken: &[Taken],
    ) -> Result<(), redis::RedisError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let asked = buckets.now();
        let mut call = self.script.prepare_invoke();
        call.arg(buckets.quota.whole()).arg(SLACK_MS);
        for Taken { key, weight, left } in taken {
            let (channel, name) = (&self.channel, buckets.quota.name);
            call.key(format!("yumo:{channel}:rate:{name}:{key:032x}"));
            call.arg(buckets.quota.cost(*weight)).arg(left);
        }
        let together: Vec<u64> = call.invoke_async(connection).await?;
        for (taken, together) in taken.iter().zip(together) {
            buckets.learn(taken.key, together, asked);
        }
        Ok(())
    }
}
