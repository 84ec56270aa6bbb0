//! A `SQLite` database as files: their paths and permissions, and the lock of the one process that
//! serves them.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::{Fault, private};

/// What `SQLite` keeps beside the database itself: the write-ahead log and its index.
pub const LOG_FILES: [&str; 2] = ["-wal", "-shm"];
/// Characters of the process id read from a lock file at most.
const PID_MAX: u64 = 20;

/// The database file that a URL names, with links resolved; `None` for PostgreSQL, and for a
/// database in memory.
#[must_use]
pub fn of(url: &str) -> Option<PathBuf> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let path = SqliteConnectOptions::from_str(url).ok()?.get_filename().to_owned();
    Some(resolved(&path))
}

fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The URL of a database file; `mode` is rw, or rwc where it may be created.
#[must_use]
pub fn url(path: &Path, mode: &str) -> String {
    let path = path.display().to_string();
    let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{path}?mode={mode}")
}

/// The path with this suffix appended to the file name.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates a database that may be created, and removes every permission of others from an existing
/// one: `SQLite` gives its log the mode of the database.
///
/// # Errors
/// When the mode of a file cannot be set.
pub fn keep_private(url: &str) -> Result<(), Fault> {
    let Some(path) = of(url) else { return Ok(()) };
    if url.contains("mode=rwc") && !path.exists() {
        match private::create_new(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(broken(&path, &error));
            }
            _ => {}
        }
    }
    for file in files(&path) {
        if private::tighten(&file).map_err(|error| broken(&file, &error))? {
            tracing::warn!(file = %file.display(), "others could read it: its mode is 0600 now");
        }
    }
    Ok(())
}

/// The database file and the files `SQLite` keeps beside it.
#[must_use]
pub fn files(path: &Path) -> Vec<PathBuf> {
    let logs = LOG_FILES.iter().map(|suffix| beside(path, suffix));
    std::iter::once(path.to_owned()).chain(logs).collect()
}

/// The right to serve a database file. The operating system releases it when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl ServeLock {
    /// Takes it.
    ///
    /// # Errors
    /// When another process serves this database, or the lock file cannot be opened.
    pub fn take(database: &Path) -> Result<Self, Fault> {
        let path = beside(database, ".lock");
        let mut file = private::append(&path).map_err(|error| broken(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(served(database, &path)),
            Err(TryLockError::Error(error)) => return Err(broken(&path, &error)),
        }
        // For the message only: a full disk does not matter here.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn served(database: &Path, lock: &Path) -> Fault {
    let mut pid = String::new();
    // The process that holds the lock may not have written its id yet.
    let _ = File::open(lock).and_then(|file| file.take(PID_MAX).read_to_string(&mut pid));
    let who = if pid.is_empty() { "another process".to_owned() } else { format!("process {pid}") };
    let database = database.display();
    Fault::Other(format!(
        "{who} serves {database} already: one process serves an SQLite database; stop it first, \
         or use PostgreSQL and Redis for several nodes"
    ))
}

/// A fault that names the file.
#[must_use]
pub fn broken(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::Other(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_an_address_is_found() {
        assert_eq!(of("postgres://a/b"), None);
        assert_eq!(of("sqlite::memory:"), None);
        let here = Path::new(".").canonicalize().unwrap();
        assert_eq!(of("sqlite://a%23.db?mode=rwc"), Some(here.join("a#.db")));
        let there = Path::new("/nowhere/a%?.db");
        assert_eq!(of(&url(there, "rw")).as_deref(), Some(there));
        assert_eq!(beside(there, "-wal"), Path::new("/nowhere/a%?.db-wal"));
    }
}
