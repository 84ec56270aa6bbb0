//! The row cache: rows this node read or wrote last, so that most commands need no read before they
//! decide.
//!
//! Nothing depends on them unverified: a cached row is either updated at its version, or the flush
//! checks its version. A refusal, or an answer without a change, is never based on cached rows
//! alone: the command is run again on fresh reads first.

use std::any::{Any, TypeId};
use std::sync::Arc;

use sea_orm::ModelTrait;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::bus::Wake;

/// Most rows cached.
const ROWS_MAX: u64 = 100_000;

/// The bus topic for a cached row that changed without raising its version.
pub const TOPIC: &str = "row:";

/// A row that is updated at the version it was read at.
pub trait Versioned: ModelTrait + Clone + Send + Sync + 'static {
    /// The version it was read at.
    fn version(&self) -> i64;

    /// The same row with the next version.
    #[must_use]
    fn raised(self) -> Self;

    /// Its key, where that is a single id.
    fn id(&self) -> Uuid;
}

macro_rules! versioned {
    ($($table:ident),+) => {$(
        impl Versioned for ::entity::$table::Model {
            fn version(&self) -> i64 {
                self.version
            }

            fn raised(mut self) -> Self {
                self.version += 1;
                self
            }

            fn id(&self) -> Uuid {
                self.id.0
            }
        }
    )+};
}

versioned!(
    order,
    person,
    session,
    partner,
    service,
    car,
    hold,
    penalty,
    bay_block,
    sanction,
    waiver,
    lot,
    reservation,
    payment,
    payable,
    payout,
    payout_terms,
    staff_invitation,
    stray_payment
);

impl Versioned for entity::bonus_account::Model {
    fn version(&self) -> i64 {
        self.version
    }

    fn raised(mut self) -> Self {
        self.version += 1;
        self
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

/// The row cache.
pub struct RowCache(moka::sync::Cache<(TypeId, Uuid), Arc<dyn Any + Send + Sync>>);

impl Default for RowCache {
    fn default() -> Self {
        Self(moka::sync::Cache::new(ROWS_MAX))
    }
}

impl RowCache {
    /// The cached row.
    #[must_use]
    pub fn get<M: Versioned>(&self, id: Uuid) -> Option<M> {
        let row = self.0.get(&(TypeId::of::<M>(), id))?;
        row.downcast_ref::<M>().cloned()
    }

    /// Caches a row, unless a newer version is cached.
    pub fn put<M: Versioned>(&self, row: M) {
        let id = row.id();
        if self.get::<M>(id).is_none_or(|kept| kept.version() <= row.version()) {
            self.0.insert((TypeId::of::<M>(), id), Arc::new(row));
        }
    }

    /// Drops a row, of whatever table.
    pub fn forget(&self, id: Uuid) {
        for kind in [
            TypeId::of::<::entity::order::Model>(),
            TypeId::of::<::entity::partner::Model>(),
            TypeId::of::<::entity::person::Model>(),
            TypeId::of::<::entity::car::Model>(),
        ] {
            self.0.invalidate(&(kind, id));
        }
    }

    /// Drops all rows: wake-ups were missed.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }
}

/// Drops cached rows whose change raised no version, when the bus announces them.
pub(super) async fn follow(mut wakes: broadcast::Receiver<Wake>, rows: Arc<RowCache>) {
    loop {
        match wakes.recv().await {
            Ok(wake) => {
                for topic in wake.topics.iter() {
                    let id = topic.strip_prefix(TOPIC).and_then(|id| id.parse().ok());
                    if let Some(id) = id {
                        rows.forget(id);
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
