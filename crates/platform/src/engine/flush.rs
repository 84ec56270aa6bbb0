//! The flush: a script commits whole or not at all.
//!
//! PostgreSQL takes each script as one statement in one round trip, many at a time. `SQLite` has
//! one writer (`writer.rs`), which takes all queued scripts and commits them in one transaction.
//!
//! A connection returns to its pool only when it is known to be outside any transaction. Where the
//! database takes no writes, commands are refused at once until a probe commits.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use sea_orm::{DatabaseBackend, Statement};
use tokio::sync::{mpsc, oneshot};

use super::script::{Numbers, run};
use crate::db::Db;
use crate::db::error::WriteError;
use crate::db::pool::Pool;
use crate::db::storage::{Storage, probe};
use crate::db::writer::{Job, WAITING_MAX, Writer};

/// How long one probe may take.
const PROBE_MAX: Duration = Duration::from_secs(5);

/// Commits scripts.
#[derive(Clone)]
pub struct Flusher {
    pool: Pool,
    writer: Option<mpsc::Sender<Job>>,
    storage: Arc<Storage>,
}

impl Flusher {
    /// A flusher for this database; on `SQLite` it starts the writer, on PostgreSQL the probe.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        let storage = Arc::clone(&db.storage);
        storage.recovers();
        let writer = if db.backend == DatabaseBackend::Sqlite {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            tokio::spawn(Writer::new(db, Arc::clone(&storage)).run(receiver));
            Some(sender)
        } else {
            tokio::spawn(probing(db.write.clone(), Arc::clone(&storage), db.limits.probe_every));
            None
        };
        Self { pool: db.write.clone(), writer, storage }
    }

    /// Does the database take writes?
    #[must_use]
    pub fn writable(&self) -> bool {
        self.storage.writable()
    }

    /// Commits a statement that emits events to this many feeds.
    ///
    /// # Errors
    /// Why it did not commit. Nothing of it is stored then, except after
    /// [`WriteError::Unwritable`], where that may be unknown.
    pub async fn commit(&self, statement: Statement, feeds: usize) -> Result<Numbers, WriteError> {
        if !self.storage.writable() {
            return Err(WriteError::Unwritable("the database takes no writes now".to_owned()));
        }
        let Some(writer) = &self.writer else { return self.land_one(&statement, feeds).await };
        let (reply, answer) = oneshot::channel();
        writer.send(Job { statement, feeds, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Runs one statement on a connection of the writing pool. An error of the statement itself
    /// leaves the connection outside a transaction; after any other error it is closed.
    async fn land_one(&self, statement: &Statement, feeds: usize) -> Result<Numbers, WriteError> {
        let outcome = match self.pool.held().await {
            Ok(mut held) => {
                let outcome = run(&mut held, statement, feeds).await;
                if !matches!(outcome, Err(WriteError::Unwritable(_) | WriteError::Broken(_))) {
                    held.release();
                }
                outcome
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(numbers) => {
                self.storage.wrote();
                Ok(numbers)
            }
            Err(WriteError::Unwritable(why)) => {
                self.storage.fails(&why);
                Err(WriteError::Unwritable(why))
            }
            Err(WriteError::Broken(why)) => {
                self.storage.suspect();
                Err(WriteError::Broken(why))
            }
            Err(error) => Err(error),
        }
    }
}

fn stopped() -> WriteError {
    WriteError::Broken("the writer has stopped".to_owned())
}

/// The PostgreSQL probe: a separate write on a separate connection, whenever a flush reports a
/// failure, and regularly while nothing else is written.
async fn probing(pool: Pool, storage: Arc<Storage>, every: Duration) {
    let pool = pool.unlimited().get_postgres_connection_pool().clone();
    let (mut mine, mut seen) = (None, 0);
    loop {
        storage.next_probe(every).await;
        if pool.is_closed() {
            return;
        }
        let writes = storage.writes();
        if storage.writable() && std::mem::replace(&mut seen, writes) != writes {
            continue;
        }
        let options = pool.connect_options();
        let attempt = attempt(&options, mine.take(), !storage.writable());
        match tokio::time::timeout(PROBE_MAX, attempt).await {
            Ok(Ok(connection)) => {
                mine = Some(connection);
                storage.recovers();
            }
            Ok(Err(error)) => storage.fails(&error.to_string()),
            Err(_) => storage.fails("a probe took too long"),
        }
    }
}

type PgError = sea_orm::sqlx::Error;

async fn attempt(
    options: &sea_orm::sqlx::postgres::PgConnectOptions,
    mine: Option<PgConnection>,
    room: bool,
) -> Result<PgConnection, PgError> {
    let mut connection = match mine {
        Some(connection) => connection,
        None => options.connect().await?,
    };
    let statement = probe(DatabaseBackend::Postgres, room);
    let values = statement.values.unwrap_or(sea_orm::Values(Vec::new()));
    let sql = sea_orm::sqlx::AssertSqlSafe(statement.sql);
    let query = sea_orm::sqlx::query_with(sql, sea_query_sqlx::SqlxValues(values));
    match query.execute(&mut connection).await {
        Ok(_) => Ok(connection),
        Err(error) => {
            // It may be connected to a server that is no longer the primary.
            let _ = connection.close_hard().await;
            Err(error)
        }
    }
}
