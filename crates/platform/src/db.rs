//! The database: how it is opened on SQLite and PostgreSQL.

pub mod error;
pub mod lent_connection;
pub mod pool;
pub mod readable;
pub mod snapshot;
pub mod sqlite_file;
pub mod storage;
pub(super) mod wal;
pub(super) mod writer;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::{Connection as _, Database as Sqlx, pool::PoolOptions};
use sea_orm::{ConnectOptions, Database, DatabaseBackend, DatabaseConnection, DbErr};
use tokio::runtime::Handle;

use pool::Pool;
use storage::Storage;

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
            let private = crate::db::sqlite_file::keep_private(&options.url);
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
