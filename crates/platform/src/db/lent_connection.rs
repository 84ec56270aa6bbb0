//! A pooled connection that one task owns. It returns to its pool only by `release`, called when
//! the connection is known to be outside any transaction; dropped in any other state it is closed,
//! and the pool opens another.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::error::Error as SqlxError;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{AssertSqlSafe, Executor as _, Postgres, Sqlite, query_with};
use sea_orm::{
    DatabaseBackend, DatabaseConnection, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
};
use sea_query_sqlx::SqlxValues;

use super::storage::Storage;

/// Instructions of `SQLite`'s virtual machine between two checks of the deadline.
const OPS_PER_LOOK: i32 = 100_000;
/// How long a connection may take to show that it is alive when it comes back.
const RETURN_MAX: Duration = Duration::from_secs(5);

enum Raw {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection that is closed when dropped unless it is released.
pub struct LentConnection {
    raw: Raw,
    released: bool,
    limit: Option<StatementLimit>,
}

/// How long one statement may take, and who is told when it took longer.
#[derive(Clone, Debug)]
pub(crate) struct StatementLimit {
    pub(crate) most: Duration,
    pub(crate) storage: Arc<Storage>,
}

impl StatementLimit {
    /// A statement whose answer did not come in time leaves the connection in an unknown state.
    async fn within<T>(
        limit: Option<&Self>,
        running: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let Some(Self { most, storage }) = limit else { return running.await };
        let began = Instant::now();
        let Ok(answer) = tokio::time::timeout(*most, running).await else {
            storage.silent(began);
            return Err(connecting(SqlxError::Io(ErrorKind::TimedOut.into())));
        };
        answer
    }
}

impl LentConnection {
    /// Takes one from a pool, which may open it.
    ///
    /// # Errors
    /// When none is free in time, or the database cannot be reached.
    pub async fn of(pool: &DatabaseConnection) -> Result<Self, DbErr> {
        let raw = if pool.get_database_backend() == DatabaseBackend::Sqlite {
            let acquired = pool.get_sqlite_connection_pool().acquire().await;
            Raw::Sqlite(acquired.map_err(connecting)?)
        } else {
            let acquired = pool.get_postgres_connection_pool().acquire().await;
            Raw::Postgres(acquired.map_err(connecting)?)
        };
        Ok(Self { raw, released: false, limit: None })
    }

    /// Gives each of its statements a limit.
    pub(crate) fn limited(mut self, limit: StatementLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs SQL text without parameters that returns no rows.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn run(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        let Self { raw, limit, .. } = self;
        let running = async {
            match raw {
                Raw::Sqlite(raw) => raw.execute(sql).await.map(Into::into).map_err(executing),
                Raw::Postgres(raw) => raw.execute(sql).await.map(Into::into).map_err(executing),
            }
        };
        StatementLimit::within(limit.as_ref(), running).await
    }

    /// Runs a statement that returns no rows.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn execute(&mut self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let (sql, values) = parts(statement);
        let Self { raw, limit, .. } = self;
        let running = async {
            match raw {
                Raw::Sqlite(raw) => {
                    let done = query_with(sql, values).execute(&mut **raw).await;
                    done.map(Into::into).map_err(executing)
                }
                Raw::Postgres(raw) => {
                    let done = query_with(sql, values).execute(&mut **raw).await;
                    done.map(Into::into).map_err(executing)
                }
            }
        };
        StatementLimit::within(limit.as_ref(), running).await
    }

    /// The first row of a statement.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn one(&mut self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        let (sql, values) = parts(statement);
        let Self { raw, limit, .. } = self;
        let running = async {
            match raw {
                Raw::Sqlite(raw) => {
                    let row = query_with(sql, values).fetch_optional(&mut **raw).await;
                    row.map(|row| row.map(Into::into)).map_err(querying)
                }
                Raw::Postgres(raw) => {
                    let row = query_with(sql, values).fetch_optional(&mut **raw).await;
                    row.map(|row| row.map(Into::into)).map_err(querying)
                }
            }
        };
        StatementLimit::within(limit.as_ref(), running).await
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// Any error of the database.
    pub async fn all(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (sql, values) = parts(statement);
        let Self { raw, limit, .. } = self;
        let running = async {
            match raw {
                Raw::Sqlite(raw) => {
                    let rows = query_with(sql, values).fetch_all(&mut **raw).await;
                    rows.map(|rows| rows.into_iter().map(Into::into).collect()).map_err(querying)
                }
                Raw::Postgres(raw) => {
                    let rows = query_with(sql, values).fetch_all(&mut **raw).await;
                    rows.map(|rows| rows.into_iter().map(Into::into).collect()).map_err(querying)
                }
            }
        };
        StatementLimit::within(limit.as_ref(), running).await
    }

    /// On `SQLite`: statements are interrupted from this moment on. On PostgreSQL the server
    /// enforces such a limit itself.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn interrupt_at(&mut self, deadline: Option<Instant>) -> Result<(), DbErr> {
        let Raw::Sqlite(raw) = &mut self.raw else { return Ok(()) };
        let mut handle = raw.lock_handle().await.map_err(executing)?;
        match deadline {
            Some(at) => handle.set_progress_handler(OPS_PER_LOOK, move || Instant::now() < at),
            None => handle.remove_progress_handler(),
        }
        Ok(())
    }

    /// Gives it back: it is outside any transaction, and nothing of it is under way. The driver
    /// asks a PostgreSQL connection for an answer first; one that gives none in time is closed, and
    /// the pool opens another.
    pub fn release(mut self) {
        self.released = true;
        if let Raw::Postgres(raw) = &mut self.raw {
            tokio::spawn(tokio::time::timeout(RETURN_MAX, raw.return_to_pool()));
        }
    }
}

impl Drop for LentConnection {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        metrics::counter!("yumo_connections_discarded").increment(1);
        match &mut self.raw {
            Raw::Sqlite(raw) => raw.close_on_drop(),
            Raw::Postgres(raw) => raw.close_on_drop(),
        }
    }
}

fn parts(statement: &Statement) -> (AssertSqlSafe<&str>, SqlxValues) {
    let values = statement.values.clone().unwrap_or(sea_orm::Values(Vec::new()));
    (AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

fn connecting(error: SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn executing(error: SqlxError) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn querying(error: SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}
