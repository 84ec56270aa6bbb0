//! A read snapshot: several statements in one read-only transaction.
//!
//! The HTTP server drops the future of a handler when its client disconnects, at any await. A
//! `BEGIN` whose answer is never read leaves a connection inside a transaction, so no handler owns
//! one: the read runs in a task of its own, which always ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::Mutex;

use super::Db;
use super::lent_connection::LentConnection;

/// How the error begins that ends a read which took too long.
pub(crate) const TOO_LONG: &str = "a read took longer than";

/// How much longer one answer may take than the whole read: the server ends that itself.
const GRACE: Duration = Duration::from_secs(5);

/// A snapshot of the database; it is read like any connection.
#[derive(Clone)]
pub struct ReadSnapshot {
    held: Arc<Mutex<LentConnection>>,
    backend: DatabaseBackend,
}

impl Db {
    /// Reads a snapshot: by the write-ahead log on `SQLite`, by the isolation level on PostgreSQL.
    /// The read ends whether or not its caller waits, and within `database.snapshot_max_s`: a
    /// snapshot keeps `SQLite` from truncating its log, and PostgreSQL from removing dead rows.
    ///
    /// # Errors
    /// When the database fails, or the read takes too long.
    pub async fn snapshot<T, E, F, R>(&self, read: F) -> Result<T, E>
    where
        F: FnOnce(ReadSnapshot) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
    {
        self.spawned(self.limits.snapshot_max, read).await
    }

    /// As [`Self::snapshot`], for the proof of all books: within `database.proof_max_s`.
    ///
    /// # Errors
    /// When the database fails, or the read takes too long.
    pub async fn long_snapshot<T, E, F, R>(&self, read: F) -> Result<T, E>
    where
        F: FnOnce(ReadSnapshot) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
    {
        self.spawned(self.limits.proof_max, read).await
    }

    async fn spawned<T, E, F, R>(&self, most: Duration, read: F) -> Result<T, E>
    where
        F: FnOnce(ReadSnapshot) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
    {
        let db = self.clone();
        let task = self.runtime.spawn(async move { db.read_moment(most, read).await });
        match task.await {
            Ok(answer) => answer,
            Err(error) => Err(DbErr::Custom(format!("a read broke: {error}")).into()),
        }
    }

    async fn read_moment<T, E, F, R>(&self, most: Duration, read: F) -> Result<T, E>
    where
        F: FnOnce(ReadSnapshot) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        E: From<DbErr>,
    {
        let mut held = self.read.held_for(most + GRACE).await?;
        if self.backend == DatabaseBackend::Postgres {
            held.run(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
                most.as_millis()
            ))
            .await?;
        } else {
            held.interrupt_at(std::time::Instant::now().checked_add(most)).await?;
            held.run("BEGIN DEFERRED").await?;
        }
        let snapshot = ReadSnapshot { held: Arc::new(Mutex::new(held)), backend: self.backend };
        // On every other path the connection is dropped unreleased, and so closed.
        let answer = tokio::time::timeout(most, read(snapshot.clone())).await;
        let Ok(answer) = answer else {
            tracing::warn!(?most, "a read of one moment took too long and was ended");
            metrics::counter!("yumo_snapshots_ended").increment(1);
            return Err(DbErr::Custom(format!("{TOO_LONG} {most:?}")).into());
        };
        let held = Arc::into_inner(snapshot.held).map(Mutex::into_inner);
        if let Some(mut held) = held {
            held.run("ROLLBACK").await?;
            held.interrupt_at(None).await?;
            held.release();
        }
        answer
    }
}

#[async_trait]
impl ConnectionTrait for ReadSnapshot {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.held.lock().await.execute(&statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.held.lock().await.run(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.held.lock().await.one(&statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.held.lock().await.all(&statement).await
    }
}
