//! Typed settings: `config/default.toml`, then a file, then `YUMO__SECTION__KEY`; validated as a
//! whole at start.

mod payments;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use entity::payment::Driver;
use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use ipnet::IpNet;
use serde::Deserialize;

use crate::access::{AccessSettings, OtpChannel};
use platform::db::{DbLimits, DbOptions};
use platform::telemetry::LogFormat;

pub use payments::{EpointSettings, PayriffSettings};

/// The defaults, with a comment for each key.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The HTTP side.
    pub http: Http,
    /// The database.
    pub database: DatabaseSettings,
    /// Wake-ups between nodes.
    pub bus: BusSettings,
    /// Keys.
    pub crypto: CryptoSettings,
    /// Signing in.
    pub access: AccessSettings,
    /// The realtime feed.
    pub feed: FeedSettings,
    /// The scheduler.
    pub timers: TimerSettings,
    /// Real money in and out.
    pub payments: PaymentSettings,
    /// Logs.
    pub log: LogSettings,
}

/// The HTTP side; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct Http {
    pub listen: String,
    pub workers: usize,
    pub allowed_origins: Vec<String>,
    pub body_max_bytes: usize,
    pub body_timeout_s: u64,
    pub connections_max: usize,
    pub connections_per_address: usize,
    pub head_timeout_s: u64,
    pub idle_timeout_s: u64,
    pub stall_timeout_s: u64,
    pub rate_session_burst: u32,
    pub rate_session_per_s: u32,
    pub rate_address_burst: u32,
    pub rate_address_per_s: u32,
    pub public_url: String,
    pub trusted_proxies: Vec<IpNet>,
}

/// How `SQLite` commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Synchronous {
    /// Waits for the disk at each commit.
    Full,
    /// Waits for the disk at checkpoints.
    Normal,
}

/// The database; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct DatabaseSettings {
    pub url: String,
    pub connections: u32,
    pub write_connections: u32,
    pub synchronous: Synchronous,
    pub schema: String,
    pub idle_in_transaction_s: u64,
    pub statement_max_s: u64,
    pub snapshot_max_s: u64,
    pub proof_max_s: u64,
    pub probe_ms: u64,
    pub wal_target_mb: u64,
    pub wal_max_mb: u64,
}

/// Wake-ups between nodes; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct BusSettings {
    pub redis_url: String,
    pub channel: String,
}

/// Keys; described in `config/default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct CryptoSettings {
    pub key_file: String,
    pub current: String,
    pub lookup: String,
    pub signing: String,
    #[serde(default)]
    pub sealing: BTreeMap<String, String>,
}

impl std::fmt::Debug for CryptoSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CryptoSettings(…)")
    }
}

/// The realtime feed; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct FeedSettings {
    pub heartbeat_s: u64,
    pub silence_s: u64,
    pub frame_max_bytes: usize,
    pub send_timeout_s: u64,
    pub look_s: u64,
    pub renew_grace_s: i64,
    pub sockets_per_session: usize,
    pub sockets_per_account: usize,
    pub resumes_per_min: u32,
    pub snapshots_per_min: u32,
    pub keep_days: i64,
}

/// The scheduler; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct TimerSettings {
    pub sweep_ms: u64,
    pub concurrency: usize,
    pub heartbeat_ms: u64,
    pub clock_off_ms: u64,
    pub proof_s: u64,
    pub proof_learn_s: u64,
    pub proof_whole_hour_utc: u32,
}

/// Real money in and out; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct PaymentSettings {
    pub driver: Driver,
    pub timeout_s: u64,
    pub language: String,
    pub return_url: String,
    pub epoint: EpointSettings,
    pub payriff: PayriffSettings,
}

/// Logs; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: String,
}

/// An error in the settings.
#[derive(Debug, thiserror::Error)]
#[error("the settings make no sense: {0}")]
pub struct BadSettings(String);

impl Settings {
    /// Reads and checks them.
    ///
    /// # Errors
    /// Says which key is wrong and why.
    pub fn load(file: Option<&Path>) -> Result<Self, BadSettings> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let settings: Self = figment
            .merge(Env::prefixed("YUMO__").split("__"))
            .extract()
            .map_err(|error| BadSettings(error.to_string()))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), BadSettings> {
        let wrong = |what: &str| Err(BadSettings(what.to_owned()));
        let url = &self.database.url;
        if !url.starts_with("sqlite:") && !url.starts_with("postgres") {
            return wrong("database.url is sqlite://… or postgres://…");
        }
        self.database.check().or_else(wrong)?;
        if self.timers.sweep_ms == 0
            || self.timers.heartbeat_ms == 0
            || self.timers.clock_off_ms == 0
            || self.timers.concurrency == 0
        {
            return wrong("timers.* are at least 1");
        }
        if self.access.otp_channel == OtpChannel::Log && !on_loopback(&self.http.listen) {
            return wrong(
                "access.otp_channel is log, which writes one-time codes into the log for anybody \
                 who reads it: http.listen must then be on loopback, such as 127.0.0.1:8080",
            );
        }
        if url.starts_with("sqlite:") && !self.bus.redis_url.is_empty() {
            return wrong("bus.redis_url is for several nodes, and SQLite serves one");
        }
        self.payments.check().or_else(|what| wrong(&what))
    }

    /// The public address of this node.
    #[must_use]
    pub fn public_url(&self) -> String {
        let public = self.http.public_url.trim_end_matches('/');
        if public.is_empty() { format!("http://{}", self.http.listen) } else { public.to_owned() }
    }

    /// The options for opening the database.
    #[must_use]
    pub fn db_options(&self) -> DbOptions {
        let schema = self.database.schema.clone();
        DbOptions {
            url: self.database.url.clone(),
            connections: self.database.connections,
            sync_full: self.database.synchronous == Synchronous::Full,
            schema: (!schema.is_empty()).then_some(schema),
            limits: self.database.limits(),
        }
    }

    /// The number of HTTP worker threads.
    #[must_use]
    pub fn http_workers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        if self.http.workers == 0 { (cores / 2).max(1) } else { self.http.workers }
    }

    /// May several nodes share this database?
    #[must_use]
    pub fn clustered(&self) -> bool {
        !self.bus.redis_url.is_empty()
    }
}

/// Is an address to listen on reachable only from this machine?
fn on_loopback(listen: &str) -> bool {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl DatabaseSettings {
    fn check(&self) -> Result<(), &'static str> {
        if self.connections == 0 || self.write_connections == 0 {
            return Err("database.connections and write_connections are at least 1");
        }
        let reads = [self.snapshot_max_s, self.proof_max_s, self.statement_max_s];
        let reads = reads.into_iter().fold(self.idle_in_transaction_s, u64::min);
        if reads == 0 || self.probe_ms == 0 {
            return Err("database.*_s and database.probe_ms are at least 1");
        }
        if self.wal_target_mb == 0 || self.wal_max_mb < self.wal_target_mb {
            return Err("database.wal_target_mb is at least 1, and wal_max_mb no less than that");
        }
        Ok(())
    }

    fn limits(&self) -> DbLimits {
        let bytes = |mb: u64| mb.saturating_mul(1024 * 1024);
        DbLimits {
            write_connections: self.write_connections,
            idle_in_transaction: Duration::from_secs(self.idle_in_transaction_s),
            statement_max: Duration::from_secs(self.statement_max_s),
            snapshot_max: Duration::from_secs(self.snapshot_max_s),
            proof_max: Duration::from_secs(self.proof_max_s),
            probe_every: Duration::from_millis(self.probe_ms),
            wal_target_bytes: bytes(self.wal_target_mb),
            wal_max_bytes: bytes(self.wal_max_mb),
        }
    }
}

/// The maximum timeout of a provider, seconds.
const TIMEOUT_MAX_S: u64 = 120;

impl PaymentSettings {
    fn check(&self) -> Result<(), String> {
        let safe = |url: &str| url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
        if !safe(&self.epoint.base_url) || !safe(&self.payriff.base_url) {
            return Err("payments.*.base_url begins with https://".to_owned());
        }
        if !self.return_url.is_empty() && !self.return_url.starts_with("http") {
            return Err("payments.return_url is an address, or empty".to_owned());
        }
        if !(1..=TIMEOUT_MAX_S).contains(&self.timeout_s) {
            return Err(format!("payments.timeout_s is 1 to {TIMEOUT_MAX_S}"));
        }
        let epoint = !self.epoint.private_key.is_empty() && !self.epoint.public_key.is_empty();
        let payriff = !self.payriff.app_key.is_empty() && !self.payriff.merchant.is_empty();
        match self.driver {
            Driver::Epoint if !epoint => Err(
                "payments.driver is epoint, which needs payments.epoint.public_key and private_key"
                    .to_owned(),
            ),
            Driver::Payriff if !payriff => {
                Err("payments.driver is payriff, which needs payments.payriff.app_key and merchant"
                    .to_owned())
            }
            Driver::Manual | Driver::Epoint | Driver::Payriff => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut PaymentSettings)) -> Result<(), String> {
        let mut payments = Settings::load(None).unwrap().payments;
        change(&mut payments);
        payments.check()
    }

    /// LIM-10: codes are logged only if the API is reachable from this machine alone.
    #[test]
    fn lim_10_codes_are_logged_only_on_loopback() {
        let listening = |listen: &str| {
            let mut settings = Settings::load(None).unwrap();
            listen.clone_into(&mut settings.http.listen);
            settings.check().map_err(|bad| bad.to_string())
        };
        for own in ["127.0.0.1:8080", "127.0.0.9:0", "localhost:1", "[::1]:8080"] {
            assert_eq!(listening(own), Ok(()), "{own}");
        }
        for open in ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:80", "yumo.az:80"] {
            assert!(listening(open).unwrap_err().contains("on loopback"), "{open}");
        }
    }

    /// BAL-5: a provider without keys, TLS or timeout prevents the start; keys are never printed.
    #[test]
    fn bal_5_payments_that_make_no_sense_stop_the_start() {
        assert_eq!(with(|_| {}), Ok(()));
        assert!(with(|p| p.driver = Driver::Epoint).is_err());
        assert!(with(|p| p.driver = Driver::Payriff).is_err());
        assert!(with(|p| p.timeout_s = 0).is_err());
        assert!(with(|p| p.timeout_s = 121).is_err());
        assert!(with(|p| p.epoint.base_url = "http://epoint.az".to_owned()).is_err());
        assert!(with(|p| p.return_url = "yumo.az".to_owned()).is_err());
        let keys = |p: &mut PaymentSettings| {
            p.driver = Driver::Epoint;
            (p.epoint.public_key, p.epoint.private_key) = ("i1".to_owned(), "secret".to_owned());
            assert!(!format!("{p:?}").contains("secret"));
        };
        assert_eq!(with(keys), Ok(()));
    }
}
