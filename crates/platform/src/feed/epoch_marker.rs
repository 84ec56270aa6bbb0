//! A file beside a `SQLite` database with the number of events emitted so far. An older copy of the
//! database has fewer events than the file says, and a copy of the file has another identity.

use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use crate::db::sqlite_file::beside;
use crate::private;

/// Suffix of its name after that of the database.
const SUFFIX: &str = ".epoch";

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MarkerLine {
    epoch: String,
    events: u64,
    identity: String,
}

impl MarkerLine {
    /// One line whose length does not change while events are counted.
    fn line(&self) -> String {
        format!("{} {:020} {}\n", self.epoch, self.events, self.identity)
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (epoch, events, identity) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            epoch: epoch.to_owned(),
            events: events.parse().ok()?,
            identity: identity.to_owned(),
        })
    }
}

/// The open file and its content.
#[derive(Debug)]
pub struct Marker {
    database: PathBuf,
    inside: Mutex<(File, MarkerLine)>,
}

/// Why the database may not be the one that was served here last; `None` where it is: the file is
/// the original written beside it, names the same epoch, and the database has every event the file
/// counted.
///
/// # Errors
/// When the file exists and cannot be read.
pub fn doubt(database: &Path, epoch: &str, events: u64) -> io::Result<Option<&'static str>> {
    let path = beside(database, SUFFIX);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("its .epoch file is missing: it was moved or restored"));
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => String::new(),
        Err(error) => return Err(error),
    };
    let said = MarkerLine::read(&text);
    let here = identity(&fs::metadata(&path)?);
    Ok(match said {
        Some(said) if said.identity != here => Some("its .epoch file is a copy"),
        Some(said) if said.epoch != epoch => Some("its .epoch file belongs to another history"),
        Some(said) if said.events > events => Some("events that were told are missing in it"),
        Some(_) => None,
        None => Some("its .epoch file is unreadable"),
    })
}

/// What a copy does not share: the inode number and the time of creation.
fn identity(metadata: &Metadata) -> String {
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let number = 0;
    let made = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{number}-{}", made.map_or(0, |since| since.as_nanos()))
}

impl Marker {
    /// Writes a new file, replacing any.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(database: &Path, epoch: &str, events: u64) -> io::Result<Self> {
        let inside = Mutex::new(write_anew(database, epoch, events)?);
        let marker = Self { database: database.to_owned(), inside };
        marker.with(|_, (file, _)| file.sync_all())?;
        Ok(marker)
    }

    /// Adds committed events. It does not sync: if a power cut loses the newest counts, the file
    /// has too low a number, never too high.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn count(&self, events: u64) -> io::Result<()> {
        self.with(|_, (file, said)| {
            said.events = said.events.saturating_add(events);
            write_at_start(file, said.line().as_bytes())
        })
    }

    /// Replaces the file by a new one for this epoch: copies of the old file, even those written
    /// over it in place, are then no longer valid.
    ///
    /// # Errors
    /// When it cannot be written; the old file stays then.
    pub fn renew(&self, epoch: &str) -> io::Result<()> {
        self.with(|database, inside| {
            *inside = write_anew(database, epoch, inside.1.events)?;
            Ok(())
        })
    }

    fn with(
        &self,
        act: impl FnOnce(&Path, &mut (File, MarkerLine)) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        act(&self.database, &mut inside)
    }
}

fn write_anew(database: &Path, epoch: &str, events: u64) -> io::Result<(File, MarkerLine)> {
    let fresh = beside(database, ".epoch.new");
    // Left by a process that ended in the middle.
    let _ = fs::remove_file(&fresh);
    let mut file = private::create_new(&fresh)?;
    let identity = identity(&file.metadata()?);
    let said = MarkerLine { epoch: epoch.to_owned(), events, identity };
    file.write_all(said.line().as_bytes())?;
    fs::rename(fresh, beside(database, SUFFIX))?;
    Ok((file, said))
}

fn write_at_start(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, 0);
    #[cfg(not(unix))]
    {
        io::Seek::rewind(file)?;
        file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-6: detects a database that lacks an event its file counted, a file that was copied, and
    /// a file of another epoch; a process that ended between commit and count is no such case.
    #[test]
    fn not_6_a_copy_that_was_put_back_is_noticed() {
        let folder = std::env::temp_dir().join(format!("yumo-epoch-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let db = folder.join("a.db");
        let why = |epoch: &str, events| doubt(&db, epoch, events).unwrap();
        assert!(why("one", 14).unwrap().contains("missing"));
        let marker = Marker::write(&db, "one", 14).unwrap();
        marker.count(10).unwrap();
        assert_eq!((why("one", 24), why("one", 25)), (None, None));
        assert!(why("one", 23).unwrap().contains("events that were told"));
        assert!(why("two", 24).unwrap().contains("another history"));
        let file = folder.join("a.db.epoch");
        let copy = fs::read(&file).unwrap();
        marker.renew("two").unwrap();
        marker.count(2).unwrap();
        assert_eq!(why("two", 26), None);
        assert!(why("two", 25).is_some());
        // As `cp` does it: into the existing file.
        fs::write(&file, copy).unwrap();
        assert!(why("one", 24).unwrap().contains("is a copy"));
        fs::write(&file, "torn").unwrap();
        assert!(why("two", 26).unwrap().contains("unreadable"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
