//! The `SQLite` writer: one task with the only writing connection. All queued scripts commit in one
//! IMMEDIATE transaction, with a savepoint each (group commit).
//!
//! Any error at BEGIN or COMMIT, and any script that cannot be rolled back to its savepoint, fails
//! the whole group: no command in it succeeds, the connection is closed, which rolls back what it
//! still holds, and the next group gets a new one. `SQLite` rolls a transaction back by itself on
//! some errors (a full disk, a failed read or write, no memory); a script that continued after that
//! would commit separately, so such an error fails the group as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{DatabaseBackend, DatabaseConnection, DbErr, Statement};
use tokio::sync::{mpsc, oneshot};

use super::Db;
use super::error::WriteError;
use super::lent_connection::LentConnection;
use super::storage::{RETRY, Storage, probe};
use super::wal::{State, Wal};
use crate::engine::script::{Numbers, run};

/// Scripts that commit in one transaction at most.
const GROUP_MAX: usize = 128;
/// Scripts that may be queued before senders have to wait.
pub(crate) const WAITING_MAX: usize = 1024;

type Outcome = Result<Numbers, WriteError>;

/// A script in the writer's queue.
pub(crate) struct Job {
    pub(crate) statement: Statement,
    pub(crate) feeds: usize,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// The writer's state.
pub(crate) struct Writer {
    pool: DatabaseConnection,
    storage: Arc<Storage>,
    wal: Wal,
    probe_every: Duration,
    next_probe: Instant,
}

impl Writer {
    pub(crate) fn new(db: &Db, storage: Arc<Storage>) -> Self {
        let probe_every = db.limits.probe_every;
        Self {
            pool: db.write.unlimited().clone(),
            storage,
            wal: Wal::of(db),
            probe_every,
            next_probe: Instant::now() + probe_every,
        }
    }

    /// Commits queued scripts until all senders are gone.
    pub(crate) async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        loop {
            let idle = self.next_probe.saturating_duration_since(Instant::now());
            let more = waiting.recv_many(&mut group, GROUP_MAX);
            match tokio::time::timeout(idle, more).await {
                Ok(0) => return,
                Ok(_) => self.commit(std::mem::take(&mut group)).await,
                Err(_) if self.pool.get_sqlite_connection_pool().is_closed() => return,
                Err(_) => self.probe().await,
            }
        }
    }

    async fn commit(&mut self, jobs: Vec<Job>) {
        let (statements, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.statement, job.feeds), job.reply)).unzip();
        let landed = if self.storage.writable() {
            self.group(&statements).await
        } else {
            Err("the database takes no writes now".to_owned())
        };
        match landed {
            Ok(outcomes) => {
                // A sender may be gone; the group has committed all the same.
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

    /// Commits a group. One that failed is followed by a probe at once; if it commits, the next
    /// group may run.
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

    /// Writes a row of its own, with as many bytes as a group needs after a failed write.
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
            // The node is stopping.
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

/// Commits scripts in one transaction. On an error nothing of it is stored: the connection is
/// dropped unreleased, and as the pool holds one, no other task gets one before it is closed.
async fn transaction(
    pool: &DatabaseConnection,
    scripts: &[(Statement, usize)],
) -> Result<Vec<Outcome>, DbErr> {
    let mut held = LentConnection::of(pool).await?;
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
