//! The demo's files: a database, and beside it keys, a log and tokens for the user.

use std::fs::{self, TryLockError};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use super::failed::DemoFailed;
use super::options::Options;
use crate::config::Settings;
use platform::db::sqlite_file;
use platform::private;

/// The log filter: warnings, errors, and the codes that were sent.
const LOG_FILTER: &str = "warn,yumo::demo=info";
/// The lifetime of access tokens and tickets used with curl, real seconds.
const BY_HAND_S: u32 = 1_800;
/// The lifetime of a one-time code that the user reads from the log, real seconds.
const CODE_S: u32 = 300;
/// The connections allowed per address: all simulated people share one.
const TOWN_CONNECTIONS_MAX: usize = 100_000;
/// The request rate allowed: simulated people act many times as fast as real ones (LIM-9).
const TOWN_RATE: u32 = 1_000_000;
/// The one-time codes allowed: enough for every simulated person at each start.
const CODES_MAX: u32 = 1_000_000;

/// The demo's files.
#[derive(Clone, Debug)]
pub struct DemoFiles {
    /// The database file.
    pub db: PathBuf,
    /// The key file.
    pub keys: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// The shell file with the address and the tokens.
    pub env: PathBuf,
}

impl DemoFiles {
    /// The files beside this database.
    #[must_use]
    pub fn beside(db: &Path) -> Self {
        let named = |extension| db.with_extension(extension);
        Self { db: db.to_owned(), keys: named("key"), log: named("log"), env: named("env") }
    }

    /// The database URL for the settings.
    #[must_use]
    pub fn url(&self) -> String {
        sqlite_file::url(&self.db, "rwc")
    }

    /// Starts the log and locks it while this process lives, so that no other demo runs on these
    /// files: two engines with separate buses would not receive each other's wake-ups.
    ///
    /// # Errors
    /// When it cannot be written, or another demo runs on these files.
    pub fn begin_log(&self) -> Result<(), DemoFailed> {
        let log = private::append(&self.log).map_err(|error| DemoFailed::at(&self.log, &error))?;
        log.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                DemoFailed::because(format!("another demo runs on {}", self.db.display()))
            }
            TryLockError::Error(error) => DemoFailed::at(&self.log, &error),
        })?;
        let filter = EnvFilter::new(LOG_FILTER);
        let log = std::sync::Mutex::new(log);
        let to_file = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // An existing logger of this process stays in use; the lock is then dropped with the file.
        let _ = to_file.with_writer(log).try_init();
        Ok(())
    }

    /// Writes the shell file, readable only by this user.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_env(&self, text: &str) -> io::Result<()> {
        let fresh = self.env.with_extension("env.new");
        private::create(&fresh)?.write_all(text.as_bytes())?;
        fs::rename(&fresh, &self.env)
    }

    /// Removes the shell file: its tokens are no longer served.
    pub fn remove_env(&self) {
        // It may not exist.
        let _ = fs::remove_file(&self.env);
    }
}

/// The demo's settings: the given ones, changed for one node, these files and this speed.
#[must_use]
pub fn settings(
    mut given: Settings,
    options: &Options,
    place: &DemoFiles,
    listen: String,
) -> Settings {
    let real = |secs: u32| secs.saturating_mul(options.speed);
    given.http.listen = listen;
    given.database.url = place.url();
    given.database.schema = String::new();
    given.bus.redis_url = String::new();
    given.crypto.key_file = place.keys.display().to_string();
    given.access.otp_ttl_s = real(CODE_S);
    given.access.otp_resend_s = 1;
    given.access.otp_per_phone_day = CODES_MAX;
    given.access.otp_per_address_hour = CODES_MAX;
    given.access.otp_per_address_day = CODES_MAX;
    // All simulated people connect from one address.
    given.http.connections_per_address = TOWN_CONNECTIONS_MAX;
    given.http.rate_session_burst = TOWN_RATE;
    given.http.rate_session_per_s = TOWN_RATE;
    given.http.rate_address_burst = TOWN_RATE;
    given.http.rate_address_per_s = TOWN_RATE;
    given.access.lift_budgets();
    given.access.access_ttl_s = real(BY_HAND_S);
    given.access.ticket_ttl_s = real(BY_HAND_S);
    given
}

/// The requested address, or port 0 of the same host if the port is taken.
///
/// # Errors
/// When the address cannot be bound at all.
pub fn free(wished: &str) -> io::Result<String> {
    match TcpListener::bind(wished) {
        Ok(_tried) => Ok(wished.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let host = wished.rsplit_once(':').map_or(wished, |(host, _)| host);
            Ok(format!("{host}:0"))
        }
        Err(error) => Err(error),
    }
}
