//! `yumo backup`: one consistent file, while a node serves or not.

use std::fs::File;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use super::examine::{Examined, examine, open};
use super::{Failed, copy, database, free, key_beside, key_file, put, remove};
use crate::config::Settings;
use crate::platform::private;
use crate::platform::sqlite_file::{beside, broken};

/// A backup that was made.
#[derive(Debug)]
pub struct Saved {
    /// What was found in it.
    pub examined: Examined,
    /// Where the keys were copied to.
    pub keys: Option<PathBuf>,
}

/// Copies the database into a new file: everything committed before it began, and nothing of what
/// came after. A node goes on serving meanwhile. The copy is kept under its name only once it was
/// examined.
///
/// # Errors
/// When something of that name is there, the database cannot be read, or the copy is not intact.
pub async fn save(settings: &Settings, target: &Path, with_keys: bool) -> Result<Saved, Failed> {
    let source = database(settings)?;
    if !source.is_file() {
        return Err(Failed(format!("{} is no database file", source.display())));
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

async fn write(settings: &Settings, source: &Path, to: &Path) -> Result<Examined, Failed> {
    // SQLite writes into an empty file, and leaves it its mode.
    drop(private::create_new(to).map_err(|error| broken(to, &error))?);
    let name = to.to_str().ok_or_else(|| Failed("the name of the backup is no text".to_owned()))?;
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
