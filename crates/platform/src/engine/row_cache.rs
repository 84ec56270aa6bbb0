//! The row cache: rows this node read or wrote last, so that most commands need no read before they
//! decide.
//!
//! Nothing depends on them unverified: a cached row is either updated at its version, or the flush
//! checks its version. A refusal, or an answer without a change, is never based on cached rows
//! alone: the command is run again on fresh reads first.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use entity::row::Row;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::bus::Wake;

/// Most rows cached.
const ROWS_MAX: u64 = 100_000;

/// How the bus topics of cached rows begin that changed without raising their version.
const TOPIC: &str = "row:";

/// The bus topic of one row.
#[must_use]
pub fn topic(table: &str, key: Uuid) -> String {
    format!("{TOPIC}{table}:{key}")
}

/// The table and the key that a topic names.
fn named(topic: &str) -> Option<(&str, Uuid)> {
    let (table, key) = topic.strip_prefix(TOPIC)?.split_once(':')?;
    Some((table, key.parse().ok()?))
}

type Cached = moka::sync::Cache<(Cow<'static, str>, Uuid), Arc<dyn Any + Send + Sync>>;

/// The row cache.
pub struct RowCache(Cached);

impl Default for RowCache {
    fn default() -> Self {
        Self(moka::sync::Cache::new(ROWS_MAX))
    }
}

impl RowCache {
    /// The cached row.
    #[must_use]
    pub fn get<M: Row>(&self, key: Uuid) -> Option<M> {
        let row = self.0.get(&(Cow::Borrowed(M::TABLE.name), key))?;
        row.downcast_ref::<M>().cloned()
    }

    /// Caches a row, unless a newer version is cached.
    pub fn put<M: Row>(&self, row: M) {
        let key = row.key();
        if self.get::<M>(key).is_none_or(|kept| kept.version() <= row.version()) {
            self.0.insert((Cow::Borrowed(M::TABLE.name), key), Arc::new(row));
        }
    }

    /// Drops a row.
    pub fn forget(&self, table: &str, key: Uuid) {
        self.0.invalidate(&(Cow::Owned(table.to_owned()), key));
    }

    /// Drops all rows: wake-ups were missed.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

/// Drops cached rows whose change raised no version, when the bus announces them.
pub(crate) async fn follow(mut wakes: broadcast::Receiver<Wake>, rows: Arc<RowCache>) {
    loop {
        match wakes.recv().await {
            Ok(wake) => {
                for topic in wake.topics.iter() {
                    if let Some((table, key)) = named(topic) {
                        rows.forget(table, key);
                    } else if topic == "*" {
                        rows.forget_all();
                    }
                }
            }
            Err(broadcast::error::RecvError::Lagged(_)) => rows.forget_all(),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
