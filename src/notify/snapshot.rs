//! The snapshot: the open orders of an audience and the number to follow its feed from, both of
//! one moment (NOT-6).

use sea_orm::{
    AccessMode, DatabaseBackend, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::orders;
use crate::orders::view::OrderView;
use crate::platform::db::Db;
use crate::platform::feed::{self, Audience};
use crate::platform::{Fault, Stop};

/// State and number of one moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Snapshot {
    /// Resume after this number.
    pub seq: i64,
    /// The orders that are open, as this audience may see them.
    pub orders: Vec<OrderView>,
}

/// Reads both in one transaction, so that no event is missed between them and none is told twice.
///
/// # Errors
/// A fault when the database fails.
pub async fn snapshot(db: &Db, audience: &Audience) -> Result<Snapshot, Stop> {
    let moment = moment(db).await?;
    let seq = feed::newest(&moment, &audience.to_string()).await?;
    let orders = orders::read::open_orders(&moment, audience).await?;
    moment.commit().await.map_err(Fault::Database)?;
    Ok(Snapshot { seq, orders })
}

/// A transaction that only reads and sees one moment: `SQLite` by its write-ahead log, PostgreSQL
/// by its isolation.
#[expect(clippy::disallowed_methods, reason = "it only reads: the engine's door is for changes")]
async fn moment(db: &Db) -> Result<DatabaseTransaction, Stop> {
    let postgres = db.backend == DatabaseBackend::Postgres;
    let options = TransactionOptions {
        isolation_level: postgres.then_some(IsolationLevel::RepeatableRead),
        access_mode: postgres.then_some(AccessMode::ReadOnly),
        sqlite_transaction_mode: (!postgres).then_some(SqliteTransactionMode::Deferred),
    };
    Ok(db.read.begin_with_options(options).await?)
}
