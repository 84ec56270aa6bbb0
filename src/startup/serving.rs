//! The right to serve a database: locks that a node takes first, checks while it serves, and
//! releases last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Settings;
use crate::context::Engine;
use platform::Fault;
use platform::clock::pause;
use platform::db::sqlite_file::{self, ServeLock};
use platform::scheduler::node_lock::{NOTICED, NodeLock};

/// The locks of a serving node: on `SQLite` a file's, on PostgreSQL the database's.
#[derive(Debug)]
pub struct ServingLock {
    _file: Option<ServeLock>,
    node: Option<Arc<NodeLock>>,
}

impl ServingLock {
    /// Takes the locks.
    ///
    /// # Errors
    /// When another process serves this database in a way that excludes this node.
    pub async fn begin(settings: &Settings) -> Result<Self, Fault> {
        let url = &settings.database.url;
        let file = sqlite_file::of(url).map(|path| ServeLock::take(&path)).transpose()?;
        let node = if url.starts_with("sqlite:") {
            None
        } else {
            let lock = NodeLock::take(&settings.db_options(), settings.clustered()).await?;
            Some(Arc::new(lock))
        };
        Ok(Self { _file: file, node })
    }

    /// Checks the locks, and the epoch of the feeds, at each heartbeat.
    pub fn watch(
        &self,
        loops: &mut JoinSet<()>,
        engine: &Engine,
        settings: &Settings,
        stopped: &watch::Receiver<bool>,
    ) {
        let every = Duration::from_millis(settings.timers.heartbeat_ms);
        let (engine, node, mut stop) = (engine.clone(), self.node.clone(), stopped.clone());
        loops.spawn(async move {
            let looking = async {
                let mut place = Place::default();
                loop {
                    pause(every).await;
                    if let Some(node) = &node {
                        place.look(node).await;
                        engine.shared().serving.crowd(place.lost);
                    }
                    if let Err(stop) = engine.shared().check_epoch().await {
                        tracing::warn!(?stop, "the epoch of the feeds could not be read");
                    }
                }
            };
            tokio::select! { () = looking => {}, _ = stop.wait_for(|s| *s) => {} }
        });
    }

    /// Releases the locks.
    pub async fn end(self) {
        if let Some(node) = &self.node {
            node.release().await;
        }
    }
}

/// What this node knows of its lock.
#[derive(Debug, Default)]
struct Place {
    /// Since when it is not held.
    since: Option<Instant>,
    /// It is lost to nodes that must not be beside this one.
    lost: bool,
}

impl Place {
    /// Is the lock held? Where its connection went silent, the server still gives it to that
    /// connection for a while: only after that it is lost, and an alarm fires.
    async fn look(&mut self, node: &NodeLock) {
        match node.held().await {
            Ok(true) => *self = Self::default(),
            Ok(false) => {
                let since = *self.since.get_or_insert_with(Instant::now);
                if !self.lost && since.elapsed() >= NOTICED {
                    self.lost = true;
                    tracing::error!(alarm = "nodes_without_bus", why = node.refusal());
                }
            }
            Err(error) => tracing::warn!(%error, "the lock of this node could not be looked at"),
        }
    }
}
