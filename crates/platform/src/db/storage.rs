//! Whether the database takes writes. The flush reports each failure; a probe detects the recovery.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseBackend, Statement, Value};
use tokio::sync::Notify;

use crate::clock::pause;

/// How often a database that takes no writes is probed.
pub(crate) const RETRY: Duration = Duration::from_millis(250);
/// Bytes a probe writes after the storage was full: more than most groups of commands need.
const ROOM_BYTES: usize = 256 * 1024;

/// Whether writing is possible, as the last attempt showed.
#[derive(Debug, Default)]
pub struct Storage {
    down: AtomicBool,
    committed: AtomicU64,
    opened: AtomicU64,
    failed: Notify,
    doubted: Mutex<Option<Instant>>,
}

impl Storage {
    /// Did the last writes succeed?
    #[must_use]
    pub fn writable(&self) -> bool {
        !self.down.load(Ordering::Acquire)
    }

    /// A connection was opened: to the same database as the others, or to a restored one.
    pub(crate) fn opens(&self) {
        self.opened.fetch_add(1, Ordering::AcqRel);
    }

    /// How many connections were opened so far.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire)
    }

    /// Something was written.
    pub(crate) fn wrote(&self) {
        self.committed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many writes there were; a probe is needless where the number has changed.
    pub(crate) fn writes(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }

    /// May a connection of this age be lent? One older than the last failure may be connected to a
    /// server that was stopped, or that no longer takes writes.
    pub(crate) fn trusts(&self, age: Duration) -> bool {
        let doubted = *self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        doubted.is_none_or(|doubted| age < doubted.elapsed())
    }

    /// A write failed for a reason that the next command would meet too.
    pub(crate) fn fails(&self, why: &str) {
        if !self.down.swap(true, Ordering::AcqRel) {
            *self.doubted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            metrics::gauge!("yumo_storage_writable").set(0.0);
            metrics::counter!("yumo_storage_failures").increment(1);
            tracing::error!(alarm = "storage_unwritable", why, "the database takes no writes");
            self.failed.notify_one();
        }
    }

    /// A connection broke, or none was free in time: a probe checks the storage.
    pub(crate) fn suspect(&self) {
        // While it is known to be down, probes run at their own interval.
        if self.writable() {
            self.failed.notify_one();
        }
    }

    /// A statement that began then got no answer in time: connections that were open at that moment
    /// may be as silent, so none of them is lent again, and a probe finds out what it means.
    pub(crate) fn silent(&self, began: Instant) {
        {
            let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
            *doubted = Some(doubted.map_or(began, |before| before.max(began)));
        }
        metrics::counter!("yumo_statements_unanswered").increment(1);
        tracing::warn!(waited = ?began.elapsed(), "the database did not answer a statement");
        self.suspect();
    }

    /// A probe was written.
    pub(crate) fn recovers(&self) {
        metrics::gauge!("yumo_storage_writable").set(1.0);
        if self.down.swap(false, Ordering::AcqRel) {
            tracing::warn!("the database takes writes again");
        }
    }

    /// Waits for a report, or for the time of the next probe.
    pub(crate) async fn next_probe(&self, every: Duration) {
        let wait = if self.writable() { every } else { RETRY };
        tokio::select! { () = self.failed.notified() => {}, () = pause(wait) => {} }
    }
}

/// The write of a probe: one number, and after a failure as many bytes as a group needs.
pub(crate) fn probe(backend: DatabaseBackend, room: bool) -> Statement {
    let room = if room { "0".repeat(ROOM_BYTES) } else { String::new() };
    let (sql, values) = if room.is_empty() {
        ("UPDATE storage_probe SET n = n + 1 WHERE id = 1 RETURNING n", Vec::new())
    } else {
        let sql = "UPDATE storage_probe SET n = n + 1, room = $1 WHERE id = 1 RETURNING n";
        (sql, vec![Value::from(room)])
    };
    Statement::from_sql_and_values(backend, sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that is away is probed a few times a second, however many commands and probes
    /// report it.
    #[tokio::test]
    async fn a_database_that_is_away_is_tried_at_a_pace() {
        let storage = Storage::default();
        storage.fails("away");
        storage.next_probe(Duration::from_hours(1)).await;
        for _ in 0..3 {
            storage.fails("away still");
            storage.suspect();
            let began = Instant::now();
            storage.next_probe(Duration::from_hours(1)).await;
            assert!(began.elapsed() >= RETRY, "{:?}", began.elapsed());
        }
    }
}
