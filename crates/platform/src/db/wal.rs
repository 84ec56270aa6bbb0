//! The length of `SQLite`'s write-ahead log. `SQLite` restarts the log only at a moment without
//! readers; with overlapping readers, or a slow one, it grows without end and keeps its length. The
//! writer therefore truncates it as soon as no reader prevents that.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, DbErr, Statement};

use super::lent_connection::LentConnection;
use super::{Db, SQLITE_BUSY};

/// How long one attempt may block writes.
const WAIT_MS: u64 = 50;
/// The pause after an attempt that a reader prevented.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// At most `database.wal_target_mb`.
    Short,
    /// Longer: truncated as soon as no reader holds it.
    Long,
    /// Longer than `database.wal_max_mb`: nothing is written until it is truncated.
    Full,
}

/// The log of the writer's database.
pub(crate) struct Wal {
    path: PathBuf,
    target: u64,
    most: u64,
    next: Instant,
    alarmed: bool,
}

impl Wal {
    pub(crate) fn of(db: &Db) -> Self {
        let options = db.write.unlimited().get_sqlite_connection_pool().connect_options();
        let mut path = options.get_filename().as_os_str().to_owned();
        path.push("-wal");
        let (target, most) = (db.limits.wal_target_bytes, db.limits.wal_max_bytes);
        Self { path: path.into(), target, most, next: Instant::now(), alarmed: false }
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// How long it is; also sets the metric `yumo_wal_bytes`.
    pub(crate) fn state(&self) -> State {
        let bytes = self.bytes();
        let gauge = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        metrics::gauge!("yumo_wal_bytes").set(gauge);
        if bytes > self.most {
            State::Full
        } else if bytes > self.target {
            State::Long
        } else {
            State::Short
        }
    }

    /// Truncates the log where it is too long and no reader holds it; returns its state afterwards.
    pub(crate) async fn keep(&mut self, pool: &DatabaseConnection) -> State {
        let mut state = self.state();
        if state != State::Short && Instant::now() >= self.next {
            if let Err(error) = truncate(pool).await {
                tracing::warn!(%error, "the write-ahead log could not be truncated");
            }
            self.next = Instant::now() + AGAIN;
            state = self.state();
        }
        let bytes = self.bytes();
        if bytes <= self.most / 2 {
            self.alarmed = false;
        } else if !std::mem::replace(&mut self.alarmed, true) {
            tracing::error!(alarm = "wal_long", bytes, "a reader keeps the write-ahead log long");
        }
        state
    }
}

/// Copies the whole log into the database file and truncates it, unless a reader holds it for
/// longer than a moment.
async fn truncate(pool: &DatabaseConnection) -> Result<(), DbErr> {
    let mut held = LentConnection::of(pool).await?;
    held.run(&format!("PRAGMA busy_timeout = {WAIT_MS}")).await?;
    let backend = pool.get_database_backend();
    let checkpoint = Statement::from_string(backend, "PRAGMA wal_checkpoint(TRUNCATE)");
    held.one(&checkpoint).await?;
    held.run(&format!("PRAGMA busy_timeout = {}", SQLITE_BUSY.as_millis())).await?;
    held.release();
    Ok(())
}
