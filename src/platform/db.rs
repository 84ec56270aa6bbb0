//! The database: how it is opened on SQLite and PostgreSQL, and what its errors mean.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::sqlx::{Connection as _, Database as Sqlx, pool::PoolOptions};
use sea_orm::{ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DbErr, RuntimeErr};
use tokio::runtime::Handle;

use super::pool::Pool;
use super::storage::Storage;

/// How to open the database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `sqlite://path?mode=rwc` or `postgres://…`.
    pub url: String,
    /// Connections for reading; `SQLite` takes 8 at most.
    pub connections: u32,
    /// `SQLite` only: sync to disk at every commit.
    pub sync_full: bool,
    /// PostgreSQL only: the schema to use, where it is not the default one.
    pub schema: Option<String>,
    /// Limits that protect the node.
    pub limits: DbLimits,
}

/// Limits that protect the node from slow readers and from failing storage; each is a setting,
/// described in `config/default.toml`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is described in config/default.toml")]
pub struct DbLimits {
    pub write_connections: u32,
    pub idle_in_transaction: Duration,
    pub statement_max: Duration,
    pub snapshot_max: Duration,
    pub proof_max: Duration,
    pub probe_every: Duration,
    pub wal_target_bytes: u64,
    pub wal_max_bytes: u64,
}

impl Default for DbLimits {
    fn default() -> Self {
        Self {
            write_connections: 1,
            idle_in_transaction: Duration::from_secs(30),
            statement_max: Duration::from_secs(10),
            snapshot_max: Duration::from_mins(1),
            proof_max: Duration::from_mins(10),
            probe_every: Duration::from_secs(2),
            wal_target_bytes: 64 << 20,
            wal_max_bytes: 1 << 30,
        }
    }
}

/// An open database: readers and writers have separate pools; on `SQLite` the writer is a single
/// connection.
#[derive(Clone, Debug)]
pub struct Db {
    /// For reading single statements; several that must agree are read by [`Db::snapshot`].
    pub read: Pool,
    /// For writing: flushes, migrations, and single statements outside any command.
    pub write: Pool,
    /// SQLite or PostgreSQL.
    pub backend: DatabaseBackend,
    /// Whether it accepts writes.
    pub storage: Arc<Storage>,
    pub(super) limits: DbLimits,
    pub(super) runtime: Handle,
}

const STATEMENTS_CACHED: usize = 512;
/// The server notices within 11 s that a client's host is gone, not after the two hours of its
/// system's default, and gives it up after 15 s in which nothing it sent was acknowledged.
const KEEPALIVES: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
];
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection to `SQLite` waits while another process locks the file.
pub(super) const SQLITE_BUSY: Duration = Duration::from_secs(5);

impl Db {
    /// Opens it, on the runtime it is opened from.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn open(options: &DbOptions) -> Result<Self, DbErr> {
        let storage = Arc::new(Storage::default());
        let sqlite_file = options.url.starts_with("sqlite:");
        let (read, write) = if sqlite_file {
            let private = super::sqlite_file::keep_private(&options.url);
            private.map_err(|fault| DbErr::Custom(fault.to_string()))?;
            let write = sqlite(options, 1, false).await?;
            (sqlite(options, options.connections.clamp(1, 8), true).await?, write)
        } else {
            let write = postgres(options, &storage, options.limits.write_connections).await?;
            (postgres(options, &storage, options.connections).await?, write)
        };
        let most = options.limits.statement_max;
        let pool = |connections| Pool::new(connections, most, Arc::clone(&storage));
        Ok(Self {
            backend: read.get_database_backend(),
            read: pool(read),
            write: pool(write),
            storage,
            limits: options.limits,
            runtime: Handle::current(),
        })
    }
}

/// Pool options that close a connection returned inside a transaction.
fn known<D: Sqlx>(pool: PoolOptions<D>) -> PoolOptions<D> {
    pool.after_release(|connection, _| {
        let idle = !connection.is_in_transaction();
        Box::pin(async move { Ok(idle) })
    })
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

async fn postgres(
    options: &DbOptions,
    storage: &Arc<Storage>,
    n: u32,
) -> Result<DatabaseConnection, DbErr> {
    let mut connect = common(&options.url, n);
    // The pool opens none by itself: it would try that for minutes where the server is silent.
    // Whoever releases a connection sees to its return (`held.rs`).
    connect.min_connections(0);
    let idle_ms = options.limits.idle_in_transaction.as_millis().to_string();
    let schema = options.schema.as_ref().map(|schema| format!("\"{schema}\""));
    connect.map_sqlx_postgres_opts(move |o| {
        let o = o
            .statement_cache_capacity(STATEMENTS_CACHED)
            .application_name("yumo")
            // Every statement finds its rows by key: one plan serves all values.
            .options([("plan_cache_mode", "force_generic_plan"), ("jit", "off")])
            // No code pauses inside a transaction: one that is idle was abandoned and still holds
            // locks.
            .options([("idle_in_transaction_session_timeout", &idle_ms)])
            // What a node that vanished holds is free soon.
            .options(KEEPALIVES);
        match &schema {
            Some(schema) => o.options([("search_path", schema)]),
            None => o,
        }
    });
    let storage = Arc::clone(storage);
    connect.map_sqlx_postgres_pool_opts(move |pool| {
        let storage = Arc::clone(&storage);
        // A connection older than the last failure of the storage is not lent.
        let opening = Arc::clone(&storage);
        known(pool)
            .after_connect(move |_, _| {
                opening.opens();
                Box::pin(async { Ok(()) })
            })
            .before_acquire(move |_, meta| {
                let trusted = storage.trusts(meta.age);
                Box::pin(async move { Ok(trusted) })
            })
    });
    Database::connect(connect).await
}

async fn sqlite(options: &DbOptions, n: u32, reader: bool) -> Result<DatabaseConnection, DbErr> {
    use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
    let mut connect = common(&options.url, n);
    let sync = if options.sync_full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    let log_bytes = options.limits.wal_target_bytes.to_string();
    connect.map_sqlx_sqlite_opts(move |o| {
        let o = o
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(sync)
            .busy_timeout(SQLITE_BUSY)
            .statement_cache_capacity(STATEMENTS_CACHED)
            .pragma("journal_size_limit", log_bytes.clone())
            .pragma("cache_size", "-65536")
            .pragma("mmap_size", "268435456");
        if reader { o.pragma("query_only", "ON") } else { o }
    });
    if !reader {
        connect.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    }
    connect.map_sqlx_sqlite_pool_opts(known);
    Database::connect(connect).await
}

/// How long a database may take to answer a ping.
const PING_MAX: Duration = Duration::from_secs(2);

/// Can the database be read?
pub async fn ping(db: &Db) -> bool {
    let answered = tokio::time::timeout(PING_MAX, db.read.ping()).await;
    answered.is_ok_and(|answer| answer.is_ok())
}

/// What a database error means for a write.
#[derive(Debug)]
pub enum WriteError {
    /// The n-th guard failed.
    Gate(usize),
    /// A uniqueness rule: the constraint's name (PostgreSQL) or its columns (`SQLite`).
    Unique(String),
    /// Deadlock, serialization or a busy file: try again.
    Busy,
    /// The storage takes no writes: a full or failing disk, a read-only server. The next command
    /// would fail the same way. Whether this one committed may be unknown.
    Unwritable(String),
    /// The connection broke or none was available: the state of the connection is unknown.
    Broken(String),
    /// Anything else.
    Other(DbErr),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        let Some(db) = database_error(&error) else {
            return if connects(&error) {
                Self::Broken(error.to_string())
            } else {
                Self::Other(error)
            };
        };
        let message = db.message();
        if let Some(n) = message.split("gate:").nth(1).and_then(|n| n.trim().parse().ok()) {
            return Self::Gate(n);
        }
        if db.is_unique_violation() {
            let name = db.constraint().map(ToOwned::to_owned);
            let columns = message.split("constraint failed: ").nth(1).unwrap_or_default();
            return Self::Unique(name.unwrap_or_else(|| columns.to_owned()));
        }
        match meaning(&db.code().unwrap_or_default()) {
            ErrorClass::Busy => Self::Busy,
            ErrorClass::Unwritable => Self::Unwritable(error.to_string()),
            ErrorClass::Broken => Self::Broken(error.to_string()),
            ErrorClass::Statement => Self::Other(error),
        }
    }
}

/// The error code of the database.
#[must_use]
pub fn code(error: &DbErr) -> Option<String> {
    database_error(error)
        .and_then(sea_orm::sqlx::error::DatabaseError::code)
        .map(std::borrow::Cow::into_owned)
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorClass {
    Busy,
    Unwritable,
    Broken,
    Statement,
}

/// The class of an error code: PostgreSQL's codes have five characters, `SQLite`'s is a number
/// whose low byte is the primary code.
fn meaning(code: &str) -> ErrorClass {
    match code {
        "40001" | "40P01" | "55P03" | "5" | "6" | "261" | "517" => return ErrorClass::Busy,
        // Read-only; resources; a full disk; a failing one.
        "25006" | "53000" | "53100" | "53200" | "58000" | "58030" => return ErrorClass::Unwritable,
        // Inside a transaction that was not begun here.
        "25001" | "25P02" => return ErrorClass::Broken,
        _ => {}
    }
    if code.len() == 5 {
        // Shut down, crashed, starting; a lost connection; too many connections.
        let broken = ["57P", "08", "533"].iter().any(|class| code.starts_with(class));
        return if broken { ErrorClass::Broken } else { ErrorClass::Statement };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        // No memory, read-only, I/O, corrupt, full, cannot be opened, no database.
        Ok(7 | 8 | 10 | 11 | 13 | 14 | 26) => ErrorClass::Unwritable,
        // Interrupted: SQLite may have rolled the transaction back.
        Ok(9) => ErrorClass::Broken,
        _ => ErrorClass::Statement,
    }
}

/// Is it about the connection or the storage, and not about the statement?
pub(super) fn unavailable(error: &DbErr) -> bool {
    match database_error(error) {
        Some(db) => {
            let meaning = meaning(&db.code().unwrap_or_default());
            matches!(meaning, ErrorClass::Broken | ErrorClass::Unwritable)
        }
        None => connects(error),
    }
}

fn sqlx_error(error: &DbErr) -> Option<&SqlxError> {
    let (DbErr::Exec(runtime) | DbErr::Query(runtime) | DbErr::Conn(runtime)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = runtime else { return None };
    Some(error)
}

fn database_error(error: &DbErr) -> Option<&dyn sea_orm::sqlx::error::DatabaseError> {
    sqlx_error(error)?.as_database_error()
}

/// Is it about the connection and not about the statement?
fn connects(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return true;
    }
    sqlx_error(error).is_some_and(|error| {
        matches!(
            error,
            SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which errors make commands wait for a probe, which close one connection, which concern only
    /// the statement.
    #[test]
    fn codes_say_what_they_mean_for_the_connection() {
        for code in ["25006", "53100", "13", "10", "778", "8", "14"] {
            assert_eq!(meaning(code), ErrorClass::Unwritable, "{code}");
        }
        for code in ["57P01", "57P03", "08006", "53300", "25P02", "9"] {
            assert_eq!(meaning(code), ErrorClass::Broken, "{code}");
        }
        for code in ["40001", "40P01", "5", "517"] {
            assert_eq!(meaning(code), ErrorClass::Busy, "{code}");
        }
        for code in ["23505", "23514", "22001", "42P01", "19", "2067", "1", ""] {
            assert_eq!(meaning(code), ErrorClass::Statement, "{code}");
        }
    }
}
