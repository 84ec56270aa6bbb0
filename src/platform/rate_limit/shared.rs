//! Rate limits across nodes: the tokens that each node takes are added up in Redis (LIM-9).
//!
//! A few times a second a node sends what it took since and reads the total of all nodes. While
//! Redis is away each node limits by its own count.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;

use super::Buckets;
use crate::platform::clock::pause;

/// How often nodes exchange their counts.
const EVERY: Duration = Duration::from_millis(200);
/// Buckets in one message at most; more wait for the next.
const TOGETHER_MAX: usize = 512;
/// How much longer than a bucket needs to fill Redis stores it, milliseconds.
const SLACK_MS: u64 = 1_000;

/// Adds what was taken to each bucket, by the clock of Redis, and returns for each the microseconds
/// until it is full again. `ARGV`: the time to fill a bucket in microseconds, the slack, then the
/// cost of each key.
const ADD: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = tonumber(ARGV[1])
local answers = {}
for i, key in ipairs(KEYS) do
  local full = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i + 2])
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
    let mut connection = None;
    let script = redis::Script::new(ADD);
    let mut away = false;
    loop {
        pause(EVERY).await;
        let mut done = Ok(());
        for buckets in &buckets {
            done = done.and(exchange(buckets, &client, &mut connection, &script, &channel).await);
        }
        if let (Err(error), false) = (&done, away) {
            tracing::warn!(%error, "Redis is away: each node limits rates by itself");
        }
        away = done.is_err();
    }
}

async fn exchange(
    buckets: &Buckets,
    client: &redis::Client,
    connection: &mut Option<ConnectionManager>,
    script: &redis::Script,
    channel: &str,
) -> Result<(), redis::RedisError> {
    let taken = buckets.unshared(TOGETHER_MAX);
    if taken.is_empty() {
        return Ok(());
    }
    if connection.is_none() {
        *connection = Some(client.get_connection_manager().await?);
    }
    let Some(connection) = connection else { return Ok(()) };
    let mut call = script.prepare_invoke();
    call.arg(buckets.quota.whole()).arg(SLACK_MS);
    for (key, weight) in &taken {
        call.key(format!("yumo:{channel}:rate:{}:{key:032x}", buckets.quota.name));
        call.arg(buckets.quota.interval().saturating_mul(u64::from(*weight)));
    }
    let together: Vec<u64> = call.invoke_async(connection).await?;
    for ((key, _), together) in taken.iter().zip(together) {
        buckets.learn(*key, together);
    }
    Ok(())
}
