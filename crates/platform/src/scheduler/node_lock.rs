//! Advisory locks of PostgreSQL between nodes: only one node at a time migrates the database, and a
//! node without Redis serves a database alone.
//!
//! Each lock has its own connection and ends with it, however the process ends.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, DbErr,
    Statement,
};

use crate::Fault;
use crate::clock::pause;
use crate::db::DbOptions;
use crate::db::pool::Pool;
use crate::db::storage::Storage;

/// Waits up to ten minutes for another node that is migrating the database.
const START_LOCK: &str = "\
SET lock_timeout = '10min'; \
SELECT pg_advisory_lock(hashtextextended('yumo start ' || coalesce(current_schema(), ''), 0))";
/// A host that vanished is detected within 11 s, not after the operating system's default of two
/// hours.
/// [`NOTICED`] is a little longer.
const KEEPALIVES: &str = "\
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3";
/// Takes the connection's only advisory lock, if it is not held already.
const NODE_LOCK: &str = "\
SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted \
AND pid = pg_backend_pid()) THEN true \
ELSE @(hashtextextended('yumo node ' || coalesce(current_schema(), ''), 0)) END AS held";
/// After so long the server has ended a connection whose host vanished, and what it held is free.
pub const NOTICED: Duration = Duration::from_secs(13);
/// How long a start waits for the previous node to end.
const WAIT: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(100);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a look at the lock may take; a connection that does not answer is closed.
const LOOK_MAX: Duration = Duration::from_secs(5);

async fn connect(options: &DbOptions) -> Result<DatabaseConnection, DbErr> {
    let mut connect = ConnectOptions::new(&options.url);
    connect
        .max_connections(1)
        // The pool opens none by itself: it would try that one for minutes, and nobody else could.
        .min_connections(0)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false);
    connect.map_sqlx_postgres_opts(|o| o.application_name("yumo lock"));
    if let Some(schema) = &options.schema {
        connect.set_schema_search_path(schema);
    }
    Database::connect(connect).await
}

/// The lock of a start: held while the database is migrated and its first rows are written.
/// `SQLite` has its own lock for that.
#[derive(Debug)]
pub struct StartLock(Option<DatabaseConnection>);

impl StartLock {
    /// Waits for it.
    ///
    /// # Errors
    /// When the database fails, or another node has held it for ten minutes.
    pub async fn take(options: &DbOptions) -> Result<Self, DbErr> {
        if options.url.starts_with("sqlite:") {
            return Ok(Self(None));
        }
        let connection = connect(options).await?;
        connection.execute_unprepared(START_LOCK).await?;
        Ok(Self(Some(connection)))
    }

    /// Releases it for the next node.
    ///
    /// # Errors
    /// When the connection was lost.
    pub async fn release(self) -> Result<(), DbErr> {
        match self.0 {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}

/// The right of a node to serve a PostgreSQL database: shared between nodes with Redis, exclusive
/// without.
#[derive(Debug)]
pub struct NodeLock {
    connection: Pool,
    clustered: bool,
}

impl NodeLock {
    /// Takes it, waiting for a moment where the previous node is still running.
    ///
    /// # Errors
    /// When nodes of the other kind serve the database, or it cannot be reached.
    pub async fn take(options: &DbOptions, clustered: bool) -> Result<Self, Fault> {
        let connection = connect(options).await?;
        let connection = Pool::new(connection, LOOK_MAX, Arc::new(Storage::default()));
        let lock = Self { connection, clustered };
        let mut waited = Duration::ZERO;
        while !lock.held().await? {
            if waited >= WAIT {
                return Err(Fault::Other(lock.refusal().to_owned()));
            }
            pause(RETRY).await;
            waited += RETRY;
        }
        Ok(lock)
    }

    /// Is it held? Takes it again where its connection was lost.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held(&self) -> Result<bool, DbErr> {
        let act =
            if self.clustered { "pg_try_advisory_lock_shared" } else { "pg_try_advisory_lock" };
        self.connection.execute_unprepared(KEEPALIVES).await?;
        let asked = Statement::from_string(DatabaseBackend::Postgres, NODE_LOCK.replace('@', act));
        let row = self.connection.query_one_raw(asked).await?;
        row.map_or(Ok(false), |row| row.try_get("", "held"))
    }

    /// Why this node may not serve beside those that hold it.
    #[must_use]
    pub fn refusal(&self) -> &'static str {
        if self.clustered {
            "a node without bus.redis_url serves this database: stop it first; several nodes need \
             bus.redis_url on every one of them"
        } else {
            "another node serves this database, and bus.redis_url is empty here: several nodes \
             need Redis, and bus.redis_url on every one of them"
        }
    }

    /// Releases it.
    pub async fn release(&self) {
        if let Err(error) = self.connection.clone().close().await {
            tracing::warn!(%error, "the lock of this node was not given back in good order");
        }
    }
}
