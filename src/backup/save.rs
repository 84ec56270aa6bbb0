//! `yumo backup`: writes one consistent file, whether or not a node is serving.

use std::fs::File;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use super::examine::{Examined, examine, open};
use super::{BackupFailed, copy, database, free, key_beside, key_file, put, remove};
use crate::config::Settings;
use platform::db::sqlite_file::{beside, broken};
use platform::private;

/// The result of a backup.
#[derive(Debug)]
pub struct Saved {
    /// The result of its check.
    pub examined: Examined,
    /// The path to which the keys were copied.
    pub keys: Option<PathBuf>,
}

/// Copies the database into a new file: everything committed before the copy began and nothing
/// after it. A node can serve meanwhile. The copy gets its final name only after it passed the
/// check.
///
/// # Errors
/// When something of that name is there, the database cannot be read, or the copy is not intact.
pub async fn save(
    settings: &Settings,
    target: &Path,
    with_keys: bool,
) -> Result<Saved, BackupFailed> {
    let source = database(settings)?;
    if !source.is_file() {
        return Err(BackupFailed(format!("{} is no database file", source.display())));
    }
    let keys = key_file(settings).filter(|keys| with_keys && keys.is_file());
    free(target)?;
    if keys.is_some() {
        free(&key_beside(target))?;
    }
    let partial = beside(target, ".partial");
    remove(&partial);
    let made = write(settings, &source, &partial).await;
    let examined = made.inspect_err(|_| remove(&partial))?;
    let keys = match keys {
        Some(keys) => {
            copy(keys, &key_beside(target)).inspect_err(|_| remove(&partial))?;
            Some(key_beside(target))
        }
        None => None,
    };
    put(&partial, target)?;
    Ok(Saved { examined, keys })
}

async fn write(settings: &Settings, source: &Path, to: &Path) -> Result<Examined, BackupFailed> {
    // SQLite writes into an existing empty file and keeps its mode.
    drop(private::create_new(to).map_err(|error| broken(to, &error))?);
    let name =
        to.to_str().ok_or_else(|| BackupFailed("the name of the backup is no text".to_owned()))?;
    let db = open(source, None).await?;
    // One read transaction over all pages, the log included.
    let vacuum = Statement::from_sql_and_values(
        DatabaseBackend::Sqlite,
        "VACUUM INTO ?",
        [sea_orm::Value::from(name)],
    );
    let written = db.execute_raw(vacuum).await;
    db.close().await?;
    written?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|error| broken(to, &error))?;
    examine(settings, to, None).await
}
