//! The check of a copy: it is opened as a node would open it, its pages are checked, and its books
//! are proven.

use std::path::Path;

use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection,
    EntityTrait as _, PaginatorTrait as _, Statement,
};

use super::BackupFailed;
use crate::app::{self, Overrides};
use crate::config::Settings;
use crate::proof::finding::Violation;
use crate::proof::prover;
use platform::db::sqlite_file::{LOG_FILES, beside, url};
use platform::feed::epoch;

/// The result of the check.
#[derive(Debug)]
pub struct Examined {
    /// The number of orders in it.
    pub orders: u64,
    /// The number of events in its feeds.
    pub events: u64,
    /// The violations in its books; empty where the proof holds.
    pub violations: Vec<Violation>,
    /// The new epoch, where one was begun.
    pub(super) epoch: Option<String>,
}

/// Opens a database without changing it, unless a journal mode is given.
pub(super) async fn open(
    path: &Path,
    journal: Option<SqliteJournalMode>,
) -> Result<DatabaseConnection, BackupFailed> {
    let mut connect = ConnectOptions::new(url(path, "rw"));
    connect.max_connections(1).sqlx_logging(false);
    connect.map_sqlx_sqlite_opts(move |o| match journal {
        Some(mode) => o.journal_mode(mode),
        None => o,
    });
    Ok(Database::connect(connect).await?)
}

/// Checks a copy that no node serves; with a reason, begins a new epoch in it. Afterwards the copy
/// is one file without a log.
pub(super) async fn examine(
    settings: &Settings,
    copy: &Path,
    another: Option<&str>,
) -> Result<Examined, BackupFailed> {
    intact(copy).await?;
    let mut settings = settings.clone();
    settings.database.url = url(copy, "rw");
    let (engine, _) = app::engine(&settings, Overrides::default()).await?;
    let proof = prover::on_demand(&engine).await?;
    let shared = engine.shared();
    let epoch = match another {
        Some(why) => Some(epoch::begin_another(&shared.db, why, shared.clock.now()).await?),
        None => None,
    };
    let examined = Examined {
        orders: entity::order::Entity::find().count(&shared.db.read).await?,
        events: epoch::events(&shared.db.read).await?,
        violations: proof.violations,
        epoch: epoch.map(|epoch| epoch.id.to_string()),
    };
    for pool in [shared.db.read.clone(), shared.db.write.clone()] {
        pool.close().await?;
    }
    alone(copy).await?;
    Ok(examined)
}

async fn intact(copy: &Path) -> Result<(), BackupFailed> {
    let db = open(copy, None).await?;
    let asked = Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA integrity_check");
    let rows = db.query_all_raw(asked).await?;
    let said: Result<Vec<String>, _> =
        rows.iter().map(|row| row.try_get("", "integrity_check")).collect();
    db.close().await?;
    let said = said?.join("; ");
    if said == "ok" { Ok(()) } else { Err(BackupFailed(format!("{}: {said}", copy.display()))) }
}

/// Merges the log into the file and removes it.
async fn alone(copy: &Path) -> Result<(), BackupFailed> {
    open(copy, Some(SqliteJournalMode::Delete)).await?.close().await?;
    for suffix in LOG_FILES {
        let log = beside(copy, suffix);
        if log.exists() {
            return Err(BackupFailed(format!("{} could not be folded in", log.display())));
        }
    }
    Ok(())
}
