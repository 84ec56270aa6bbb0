//! Backups of a `SQLite` database: a consistent copy while a node serves it, and its restore.
//!
//! PostgreSQL has its own tools for that, described in `docs/operations.md` and `scripts/pitr`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::app::NotStarted;
use crate::config::Settings;
use platform::db::sqlite_file::{self, beside, broken};
use platform::{CommandError, Fault, private};

mod examine;
mod restore;
mod save;

pub use examine::Examined;
pub use restore::{Permitted, Restored, restore};
pub use save::{Saved, save};

/// The suffix of the key file's name, after the backup's name.
const KEY_SUFFIX: &str = ".key";

/// The error of a backup or restore; nothing that existed before was changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackupFailed(String);

impl From<Fault> for BackupFailed {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

impl From<CommandError> for BackupFailed {
    fn from(stop: CommandError) -> Self {
        Self(format!("{stop:?}"))
    }
}

impl From<NotStarted> for BackupFailed {
    fn from(not_started: NotStarted) -> Self {
        Self(not_started.to_string())
    }
}

impl From<sea_orm::DbErr> for BackupFailed {
    fn from(error: sea_orm::DbErr) -> Self {
        Self(format!("the database: {error}"))
    }
}

/// The database file that the settings name.
fn database(settings: &Settings) -> Result<PathBuf, BackupFailed> {
    let file = sqlite_file::of(&settings.database.url);
    file.ok_or_else(|| {
        BackupFailed(
            "this command is for SQLite: PostgreSQL is backed up with pg_basebackup and its \
             archived log, see docs/operations.md and scripts/pitr"
                .to_owned(),
        )
    })
}

/// Refuses if the path exists, so that nothing is overwritten.
fn free(path: &Path) -> Result<(), BackupFailed> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(BackupFailed(format!("{} is there already: choose another name", path.display())))
}

/// Copies a file with mode 0600 and syncs it to the disk.
fn copy(from: &Path, to: &Path) -> Result<(), BackupFailed> {
    let copied = File::open(from).and_then(|mut source| {
        let mut target = private::create_new(to)?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()
    });
    copied.map_err(|error| {
        BackupFailed(format!("{} could not be copied to {}: {error}", from.display(), to.display()))
    })
}

/// Removes a database that only these commands created.
fn remove(path: &Path) {
    for file in sqlite_file::files(path) {
        // Most of these files do not exist.
        let _ = fs::remove_file(file);
    }
}

/// Renames a file to its final name and syncs the folder to the disk.
fn put(from: &Path, to: &Path) -> Result<(), BackupFailed> {
    let folder = to.parent().filter(|folder| *folder != Path::new(""));
    let put = fs::rename(from, to)
        .and_then(|()| File::open(folder.unwrap_or(Path::new(".")))?.sync_all());
    put.map_err(|error| broken(to, &error).into())
}

/// The key file beside a backup.
fn key_beside(backup: &Path) -> PathBuf {
    beside(backup, KEY_SUFFIX)
}

/// The key file the settings name; `None` where the keys are settings themselves.
fn key_file(settings: &Settings) -> Option<&Path> {
    let crypto = &settings.crypto;
    crypto.current.is_empty().then(|| Path::new(&crypto.key_file))
}
