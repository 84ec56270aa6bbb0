//! The state of an engine that all its commands share.

use std::sync::Arc;

use chrono::DateTime;
use tokio::runtime::Handle;

use super::flush::Flusher;
use super::row_cache::{self, RowCache};
use super::turns::Turns;
use crate::bus::Bus;
use crate::clock::Clock;
use crate::crypto::Keys;
use crate::db::Db;
use crate::feed::Tail;
use crate::feed::epoch::{Epoch, FeedEpoch, TOPIC};
use crate::refusal::CommandError;
use crate::scheduler::serving::Serving;
use crate::scheduler::timers::Timers;

/// The state that all commands share.
pub struct Shared {
    /// The database.
    pub db: Db,
    /// The keys that seal personal data.
    pub keys: Arc<Keys>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Wake-ups.
    pub bus: Arc<dyn Bus>,
    /// Near timers.
    pub timers: Arc<Timers>,
    /// The newest events of busy feeds.
    pub tail: Tail,
    /// The epoch of the feeds.
    pub epoch: FeedEpoch,
    /// The row cache of this node.
    pub row_cache: Arc<RowCache>,
    /// Whether this node may decide now.
    pub serving: Serving,
    /// Whose turn it is to take the next number of a sequence.
    pub turns: Turns,
    pub(crate) flusher: Flusher,
    pub(crate) runtime: Handle,
}

impl Shared {
    /// The state of an engine on this database.
    pub(crate) fn new(db: Db, keys: Arc<Keys>, clock: Arc<dyn Clock>, bus: Arc<dyn Bus>) -> Self {
        let flusher = Flusher::new(&db);
        let row_cache = Arc::new(RowCache::default());
        tokio::spawn(row_cache::follow(bus.listen(), Arc::clone(&row_cache)));
        Self {
            timers: Arc::new(Timers::new()),
            tail: Tail::new(),
            epoch: FeedEpoch::default(),
            row_cache,
            serving: Serving::default(),
            turns: Turns::default(),
            flusher,
            runtime: Handle::current(),
            db,
            keys,
            clock,
            bus,
        }
    }

    /// The epoch of the feeds; reads it again where the database failed since the last read.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn epoch(&self) -> Result<Epoch, CommandError> {
        if let Some(epoch) = self.epoch.sure(self.db.storage.opened()) {
            return Ok(epoch);
        }
        let _looking = self.epoch.looking.lock().await;
        match self.epoch.sure(self.db.storage.opened()) {
            Some(epoch) => Ok(epoch),
            None => self.asked_epoch().await,
        }
    }

    /// Checks that the database is still the same one. If not, all caches of this node are dropped,
    /// and subscribers must load a snapshot.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn check_epoch(&self) -> Result<Epoch, CommandError> {
        let _looking = self.epoch.looking.lock().await;
        self.asked_epoch().await
    }

    async fn asked_epoch(&self) -> Result<Epoch, CommandError> {
        let looked = self.epoch.look(&self.db, self.clock.now()).await;
        let (epoch, changed) = looked.inspect_err(|_| self.epoch.doubt())?;
        if changed {
            self.tail.forget_all();
            self.row_cache.forget_all();
            self.timers.reset(DateTime::UNIX_EPOCH);
            self.bus.wake(vec!["*".to_owned(), TOPIC.to_owned()]);
        }
        self.epoch.renew();
        Ok(epoch)
    }
}
