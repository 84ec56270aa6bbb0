//! The `SQLite` writer: one task with the only writing connection. Whatever waits lands in one
//! IMMEDIATE transaction, a savepoint each (group commit).
//!
//! Any error at BEGIN or COMMIT, and any script that cannot be rolled back to its savepoint, ends
//! the whole group: nobody in it is answered yes, the connection is closed, which rolls back what
//! it still holds, and the next group gets a new one. `SQLite` rolls a transaction back by itself
//! on some errors (a full disk, a failed read or write, no memory); a script that went on after
//! that would commit on its own, so such an error ends the group as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{DatabaseBackend, DatabaseConnection, DbErr, Statement};
use tokio::sync::{mpsc, oneshot};

use super::db::{Db, WriteError};
use super::flush::{Numbers, run};
use super::held::Held;
use super::storage::{RETRY, Storage, probe};
use super::wal::{State, Wal};

/// At most so many scripts land in one transaction.
const GROUP_MAX: usize = 128;
/// So many may wait before senders wait too.
pub(super) const WAITING_MAX: usize = 1024;

type Outcome = Result<Numbers, WriteError>;

/// A script that waits to land.
pub(super) struct Job {
    pub(super) statement: Statement,
    pub(super) feeds: usize,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// The writer's own state.
pub(super) struct Writer {
    pool: DatabaseConnection,
    storage: Arc<Storage>,
    wal: Wal,
    probe_every: Duration,
    next_probe: Instant,
}

impl Writer {
    pub(super) fn new(db: &Db, storage: Arc<Storage>) -> Self {
        let probe_every = db.limits.probe_every;
        Self {
            pool: db.write.clone(),
            storage,
            wal: Wal::of(db),
            probe_every,
            next_probe: Instant::now() + probe_every,
        }
    }

    /// Lands what comes until nobody can send any more.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        loop {
            let idle = self.next_probe.saturating_duration_since(Instant::now());
            let more = waiting.recv_many(&mut group, GROUP_MAX);
            match tokio::time::timeout(idle, more).await {
                Ok(0) => return,
                Ok(_) => self.land(std::mem::take(&mut group)).await,
                Err(_) if self.pool.get_sqlite_connection_pool().is_closed() => return,
                Err(_) => self.probe().await,
            }
        }
    }

    async fn land(&mut self, jobs: Vec<Job>) {
        let (statements, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.statement, job.feeds), job.reply)).unzip();
        let landed = if self.storage.writable() {
            self.group(&statements).await
        } else {
            Err("the database takes no writes now".to_owned())
        };
        match landed {
            Ok(outcomes) => {
                // Whoever asked may be gone; the group has landed all the same.
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(outcome);
                }
                self.wrote();
            }
            Err(why) => {
                for reply in replies {
                    let _ = reply.send(Err(WriteError::Unwritable(why.clone())));
                }
            }
        }
        self.keep_log_short().await;
    }

    /// A group that failed is followed by a probe at once: one that lands says the next may go on.
    async fn group(&mut self, scripts: &[(Statement, usize)]) -> Result<Vec<Outcome>, String> {
        let landed = transaction(&self.pool, scripts).await;
        landed.map_err(|error| {
            let why = error.to_string();
            self.storage.fails(&why);
            self.next_probe = Instant::now();
            why
        })
    }

    fn wrote(&mut self) {
        self.storage.wrote();
        if self.storage.writable() {
            self.next_probe = Instant::now() + self.probe_every;
        }
    }

    /// Writes a row of its own, as much as a group needs where writing failed before.
    async fn probe(&mut self) {
        let room = !self.storage.writable();
        let mine = [(probe(DatabaseBackend::Sqlite, room), 0)];
        let landed = match self.wal.state() {
            State::Full => Err(DbErr::Custom("the write-ahead log is at its limit".to_owned())),
            State::Short | State::Long => transaction(&self.pool, &mine).await.map(|_| ()),
        };
        match landed {
            Ok(()) => {
                self.storage.recovers();
                self.wrote();
            }
            // The node stops.
            Err(_) if self.pool.get_sqlite_connection_pool().is_closed() => return,
            Err(error) => {
                self.storage.fails(&error.to_string());
                self.next_probe = Instant::now() + RETRY;
            }
        }
        self.keep_log_short().await;
    }

    async fn keep_log_short(&mut self) {
        if self.wal.keep(&self.pool).await == State::Full {
            self.storage.fails("the write-ahead log is at its limit: a reader holds it");
            self.next_probe = self.next_probe.min(Instant::now() + RETRY);
        }
    }
}

/// Lands scripts in one transaction. On an error nothing of it is there: the connection is dropped
/// unreleased, and as the pool holds one, nobody gets another before it is closed.
async fn transaction(
    pool: &DatabaseConnection,
    scripts: &[(Statement, usize)],
) -> Result<Vec<Outcome>, DbErr> {
    let mut held = Held::of(pool).await?;
    held.run("BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::with_capacity(scripts.len());
    for (script, feeds) in scripts {
        let outcome = run(&mut held, script, *feeds).await;
        match &outcome {
            Ok(_) => {}
            Err(WriteError::Unwritable(why) | WriteError::Broken(why)) => {
                return Err(DbErr::Custom(why.clone()));
            }
            Err(_) => {
                held.run("ROLLBACK TO one; RELEASE one").await?;
            }
        }
        outcomes.push(outcome);
    }
    held.run("COMMIT").await?;
    held.release();
    Ok(outcomes)
}
