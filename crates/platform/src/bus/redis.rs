//! The bus between nodes, on Redis publish and subscribe.
//!
//! Wake-ups of this process are delivered locally at once, those of other nodes through one
//! channel. While Redis is away local listeners are still woken, and other nodes find new events by
//! their own slow polling (the feeds lose nothing).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::AsyncTypedCommands as _;
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use super::local::LocalBus;
use super::{Bus, Wake};
use crate::clock::pause;

/// Wake-ups that may be queued for Redis; more are dropped, which delays events and loses none.
const OUTBOX_MAX: usize = 65_536;
/// Wake-ups sent in one message at most.
const TOGETHER_MAX: usize = 256;
const RETRY: Duration = Duration::from_millis(250);

/// A bus for this process and all others on the same channel.
pub struct RedisBus {
    local: Arc<LocalBus>,
    outbox: mpsc::Sender<Vec<String>>,
    healthy: Arc<AtomicBool>,
}

impl RedisBus {
    /// Connects; `channel` separates deployments that share a Redis.
    ///
    /// # Errors
    /// When the URL is no Redis URL or Redis does not answer.
    pub async fn connect(url: &str, channel: &str) -> Result<Self, redis::RedisError> {
        let client = redis::Client::open(url)?;
        let connection = client.get_connection_manager().await?;
        let local = Arc::new(LocalBus::new());
        let healthy = Arc::new(AtomicBool::new(true));
        let (outbox, waiting) = mpsc::channel(OUTBOX_MAX);
        let node = Uuid::new_v4().to_string();
        let channel = format!("yumo:{channel}:wake");
        tokio::spawn(publish(connection, channel.clone(), node.clone(), waiting));
        let pubsub = client.get_async_pubsub().await?;
        let hear =
            Hear { client, channel, node, local: Arc::clone(&local), healthy: healthy.clone() };
        tokio::spawn(hear.forever(pubsub));
        Ok(Self { local, outbox, healthy })
    }
}

impl Bus for RedisBus {
    fn wake(&self, topics: Vec<String>) {
        if topics.is_empty() {
            return;
        }
        if self.outbox.try_send(topics.clone()).is_err() {
            metrics::counter!("yumo_bus_dropped").increment(1);
        }
        self.local.wake(topics);
    }

    fn listen(&self) -> broadcast::Receiver<Wake> {
        self.local.listen()
    }

    fn healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }
}

async fn publish(
    mut connection: redis::aio::ConnectionManager,
    channel: String,
    node: String,
    mut waiting: mpsc::Receiver<Vec<String>>,
) {
    let mut together = Vec::new();
    while waiting.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let topics: Vec<String> = together.drain(..).flatten().collect();
        let message = format!("{node}\n{}", topics.join("\n"));
        if let Err(error) = connection.publish(&channel, message).await {
            tracing::warn!(%error, "a wake-up did not reach Redis");
        }
    }
}

struct Hear {
    client: redis::Client,
    channel: String,
    node: String,
    local: Arc<LocalBus>,
    healthy: Arc<AtomicBool>,
}

impl Hear {
    async fn forever(self, first: redis::aio::PubSub) {
        let mut pubsub = Some(first);
        loop {
            let connected = match pubsub.take() {
                Some(pubsub) => Ok(pubsub),
                None => self.client.get_async_pubsub().await,
            };
            if let Ok(mut pubsub) = connected
                && pubsub.subscribe(&self.channel).await.is_ok()
            {
                self.healthy.store(true, Ordering::Relaxed);
                // Wakes every listener: each reads what it may have missed.
                self.local.wake_from_far(vec!["*".to_owned()]);
                let mut messages = pubsub.on_message();
                while let Some(message) = messages.next().await {
                    self.heard(&message.get_payload::<String>().unwrap_or_default());
                }
            }
            self.healthy.store(false, Ordering::Relaxed);
            tracing::warn!("Redis is away; trying again");
            pause(RETRY).await;
        }
    }

    fn heard(&self, message: &str) {
        let mut lines = message.lines();
        if lines.next() != Some(self.node.as_str()) {
            self.local.wake_from_far(lines.map(ToOwned::to_owned).collect());
        }
    }
}
