//! `yumo restore`: replaces the database with a backup and begins a new epoch.

use std::fs;
use std::path::{Path, PathBuf};

use super::examine::{Examined, examine};
use super::{BackupFailed, copy, database, key_beside, key_file, put, remove};
use crate::config::Settings;
use platform::clock::real_now;
use platform::db::sqlite_file::{ServeLock, beside, broken, files};
use platform::feed::epoch_marker::Marker;

/// The recorded reason for the new epoch.
const REASON: &str = "restored from a backup";

/// What the operator permitted by options.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permitted {
    /// An existing database may be moved aside.
    pub replace: bool,
    /// A backup whose books do not pass the proof may be used.
    pub unproved: bool,
}

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    /// The result of the backup's check.
    pub examined: Examined,
    /// The new path of the previous database.
    pub aside: Option<PathBuf>,
    /// Whether the backup's keys were copied to the path in the settings.
    pub keys: bool,
}

/// Puts a backup at the database path of the settings. It is copied and checked first; until then
/// nothing is changed.
///
/// # Errors
/// When a node serves the database, one is there and may not be replaced, or the backup is not
/// good.
pub async fn restore(
    settings: &Settings,
    backup: &Path,
    permitted: Permitted,
) -> Result<Restored, BackupFailed> {
    let target = database(settings)?;
    let _lock = ServeLock::take(&target)?;
    let there = files(&target).iter().any(|file| file.exists());
    if there && !permitted.replace {
        let target = target.display();
        return Err(BackupFailed(format!("{target} is there already: --replace moves it aside")));
    }
    let fresh = beside(&target, ".restoring");
    remove(&fresh);
    let made = make(settings, backup, &fresh, permitted).await;
    let (examined, keys) = made.inspect_err(|_| remove(&fresh))?;
    let aside = if there { Some(aside(&target)?) } else { None };
    put(&fresh, &target)?;
    if let Some(epoch) = &examined.epoch {
        let written = Marker::write(&target, epoch, examined.events);
        written.map_err(|error| broken(&target, &error))?;
    }
    Ok(Restored { examined, aside, keys })
}

/// Makes the checked copy, in a new epoch; returns true where the keys came with the backup.
async fn make(
    settings: &Settings,
    backup: &Path,
    fresh: &Path,
    permitted: Permitted,
) -> Result<(Examined, bool), BackupFailed> {
    copy(backup, fresh)?;
    // A database that was copied by hand may have a log beside it.
    let log = beside(backup, "-wal");
    if log.exists() {
        copy(&log, &beside(fresh, "-wal"))?;
    }
    let mut settings = settings.clone();
    let missing = key_file(&settings).filter(|keys| !keys.exists()).map(Path::to_owned);
    let own = key_beside(backup);
    if missing.is_some() && own.exists() {
        settings.crypto.key_file = own.display().to_string();
    }
    let examined = examine(&settings, fresh, Some(REASON)).await?;
    if !examined.violations.is_empty() && !permitted.unproved {
        let backup = backup.display();
        return Err(BackupFailed(format!(
            "the books of {backup} do not prove right; --unproved takes it all the same: {:?}",
            examined.violations
        )));
    }
    match missing {
        Some(keys) if own.exists() => copy(&own, &keys).map(|()| (examined, true)),
        _ => Ok((examined, false)),
    }
}

/// Moves the existing database aside, together with its log.
fn aside(target: &Path) -> Result<PathBuf, BackupFailed> {
    let suffix = format!(".before-{}", real_now().format("%Y%m%dT%H%M%S%.6fZ"));
    let place = beside(target, &suffix);
    for (from, to) in files(target).iter().zip(files(&place)) {
        if from.exists() {
            fs::rename(from, &to).map_err(|error| broken(from, &error))?;
        }
    }
    Ok(place)
}
