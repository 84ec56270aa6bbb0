//! The database: one way to open it, on both sides, and what its errors mean.

use std::time::Duration;

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction,
    DbErr, IsolationLevel, RuntimeErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};

/// How to open the database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `sqlite://path?mode=rwc` or `postgres://…`.
    pub url: String,
    /// Connections for PostgreSQL, readers for `SQLite`.
    pub connections: u32,
    /// `SQLite` alone: wait for the disk at every commit.
    pub sync_full: bool,
    /// PostgreSQL alone: the schema to live in, where it is not the default one.
    pub schema: Option<String>,
}

/// An open database: on PostgreSQL both are the same pool, on `SQLite` the writer is a single
/// connection.
#[derive(Clone, Debug)]
pub struct Db {
    /// For reading.
    pub read: DatabaseConnection,
    /// For writing: flushes and migrations only.
    pub write: DatabaseConnection,
    /// Which of the two it is.
    pub backend: DatabaseBackend,
}

const STATEMENTS_CACHED: usize = 512;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(options: &DbOptions) -> Result<Self, DbErr> {
        if options.url.starts_with("sqlite:") {
            let private = super::sqlite_file::keep_private(&options.url);
            private.map_err(|fault| DbErr::Custom(fault.to_string()))?;
            let write = sqlite(options, 1, false).await?;
            let read = sqlite(options, options.connections.clamp(1, 8), true).await?;
            return Ok(Self { read, write, backend: DatabaseBackend::Sqlite });
        }
        let pool = postgres(options).await?;
        Ok(Self { read: pool.clone(), write: pool, backend: DatabaseBackend::Postgres })
    }
}

impl Db {
    /// A transaction that only reads and sees one moment: `SQLite` by its write-ahead log,
    /// PostgreSQL by its isolation.
    ///
    /// # Errors
    /// When the database fails.
    #[expect(
        clippy::disallowed_methods,
        reason = "it only reads: the engine's door is for changes"
    )]
    pub async fn moment(&self) -> Result<DatabaseTransaction, DbErr> {
        let postgres = self.backend == DatabaseBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: postgres.then_some(AccessMode::ReadOnly),
            sqlite_transaction_mode: (!postgres).then_some(SqliteTransactionMode::Deferred),
        };
        self.read.begin_with_options(options).await
    }
}

fn common(url: &str, connections: u32) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    connect
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false);
    connect
}

async fn postgres(options: &DbOptions) -> Result<DatabaseConnection, DbErr> {
    let mut connect = common(&options.url, options.connections);
    connect.map_sqlx_postgres_opts(|o| {
        o.statement_cache_capacity(STATEMENTS_CACHED)
            .application_name("yumo")
            // Every statement finds its rows by key: one plan serves all values.
            .options([("plan_cache_mode", "force_generic_plan"), ("jit", "off")])
    });
    if let Some(schema) = &options.schema {
        connect.set_schema_search_path(schema);
    }
    Database::connect(connect).await
}

async fn sqlite(options: &DbOptions, n: u32, reader: bool) -> Result<DatabaseConnection, DbErr> {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    let mut connect = common(&options.url, n);
    let sync = if options.sync_full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    connect.map_sqlx_sqlite_opts(move |o| {
        let o = o
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(sync)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(STATEMENTS_CACHED)
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "268435456");
        if reader { o.pragma("query_only", "ON") } else { o }
    });
    if !reader {
        connect.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    }
    Database::connect(connect).await
}

/// Is the database there?
pub async fn ping(db: &Db) -> bool {
    db.read.ping().await.is_ok() && db.write.ping().await.is_ok()
}

/// What a database error means to whoever writes.
#[derive(Debug)]
pub enum WriteError {
    /// The n-th gate was shut.
    Gate(usize),
    /// A uniqueness rule: the constraint's name (PostgreSQL) or its columns (`SQLite`).
    Unique(String),
    /// Deadlock, serialization or a busy file: try again.
    Busy,
    /// Anything else.
    Other(DbErr),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        let Some(db) = database_error(&error) else { return Self::Other(error) };
        let message = db.message();
        if let Some(n) = message.split("gate:").nth(1).and_then(|n| n.trim().parse().ok()) {
            return Self::Gate(n);
        }
        if db.is_unique_violation() {
            let name = db.constraint().map(ToOwned::to_owned);
            let columns = message.split("constraint failed: ").nth(1).unwrap_or_default();
            return Self::Unique(name.unwrap_or_else(|| columns.to_owned()));
        }
        match db.code().as_deref() {
            Some("40001" | "40P01" | "55P03" | "5" | "6" | "261" | "517") => Self::Busy,
            _ => Self::Other(error),
        }
    }
}

/// The code the database gave an error.
#[must_use]
pub fn code(error: &DbErr) -> Option<String> {
    database_error(error).and_then(|error| error.code()).map(std::borrow::Cow::into_owned)
}

fn database_error(error: &DbErr) -> Option<&dyn sea_orm::sqlx::error::DatabaseError> {
    let (DbErr::Exec(runtime) | DbErr::Query(runtime) | DbErr::Conn(runtime)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = runtime else { return None };
    let error: &SqlxError = error;
    error.as_database_error()
}
