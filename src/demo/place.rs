//! Where the demo lives: a database, and beside it keys, a log and the tokens for whoever watches.

use std::fs::{self, TryLockError};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use super::Failed;
use super::options::Options;
use crate::config::Settings;
use crate::platform::{private, sqlite_file};

/// What goes into the log: trouble, and the codes that were sent.
const LOG_FILTER: &str = "warn,yumo::demo=info";
/// How long tokens and tickets for curl are good, real seconds.
const BY_HAND_S: u32 = 1_800;
/// How long a one-time code is good for whoever reads it from the log, real seconds.
const CODE_S: u32 = 300;
/// The town's people share one address.
const TOWN_CONNECTIONS_MAX: usize = 100_000;
/// … and live many times as fast as people do (LIM-9).
const TOWN_RATE: u32 = 1_000_000;
/// As many codes as the town needs at a start, however often it starts.
const CODES_MAX: u32 = 1_000_000;

/// The demo's files.
#[derive(Clone, Debug)]
pub struct Place {
    /// The database.
    pub db: PathBuf,
    /// The keys.
    pub keys: PathBuf,
    /// The log.
    pub log: PathBuf,
    /// Address and tokens, to be read by a shell.
    pub env: PathBuf,
}

impl Place {
    /// Beside this database.
    #[must_use]
    pub fn beside(db: &Path) -> Self {
        let named = |extension| db.with_extension(extension);
        Self { db: db.to_owned(), keys: named("key"), log: named("log"), env: named("env") }
    }

    /// The database as settings name it.
    #[must_use]
    pub fn url(&self) -> String {
        sqlite_file::url(&self.db, "rwc")
    }

    /// Begins the log. While this process lives no other demo begins here: two engines with a bus
    /// each would not hear each other.
    ///
    /// # Errors
    /// When it cannot be written, or another demo runs here.
    pub fn begin_log(&self) -> Result<(), Failed> {
        let log = private::append(&self.log).map_err(|error| Failed::at(&self.log, &error))?;
        log.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Failed::because(format!("another demo runs on {}", self.db.display()))
            }
            TryLockError::Error(error) => Failed::at(&self.log, &error),
        })?;
        let filter = EnvFilter::new(LOG_FILTER);
        let log = std::sync::Mutex::new(log);
        let to_file = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        // Whoever logs already in this process goes on doing so; the lock goes then with the file.
        let _ = to_file.with_writer(log).try_init();
        Ok(())
    }

    /// Writes what a shell reads; nobody else on this machine may read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_env(&self, text: &str) -> io::Result<()> {
        let fresh = self.env.with_extension("env.new");
        private::create(&fresh)?.write_all(text.as_bytes())?;
        fs::rename(&fresh, &self.env)
    }

    /// Takes the tokens away: nobody serves them any more.
    pub fn remove_env(&self) {
        // It may never have been written.
        let _ = fs::remove_file(&self.env);
    }
}

/// The settings of the demo: what was given, on one node, here, at this speed.
#[must_use]
pub fn settings(mut given: Settings, options: &Options, place: &Place, listen: String) -> Settings {
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
    // The whole town calls from one address.
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

/// The wished address, or a free port of the same host where it is taken.
///
/// # Errors
/// When the address cannot be had at all.
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
