//! Typed settings: `config/default.toml`, then a file, then `YUMO__SECTION__KEY`; validated as a
//! whole at start.

use std::collections::BTreeMap;
use std::path::Path;

use entity::payment::Driver;
use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use ipnet::IpNet;
use serde::Deserialize;

use crate::access::AccessSettings;
use crate::platform::db::DbOptions;
use crate::platform::telemetry::LogFormat;

/// The defaults, with a sentence for each key.
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
    /// The clock's loops.
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
    pub synchronous: Synchronous,
    pub schema: String,
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
    pub keep_days: i64,
}

/// The clock's loops; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct TimerSettings {
    pub sweep_ms: u64,
    pub concurrency: usize,
    pub heartbeat_ms: u64,
    pub proof_s: u64,
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

/// Epoint; keys are described in `config/default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct EpointSettings {
    pub base_url: String,
    pub public_key: String,
    pub private_key: String,
}

/// Payriff; keys are described in `config/default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct PayriffSettings {
    pub base_url: String,
    pub app_key: String,
    pub merchant: String,
}

impl std::fmt::Debug for EpointSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EpointSettings(…)")
    }
}

impl std::fmt::Debug for PayriffSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayriffSettings(…)")
    }
}

/// Logs; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: String,
}

/// The settings make no sense.
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
        if self.database.connections == 0 {
            return wrong("database.connections is at least 1");
        }
        if self.timers.sweep_ms == 0
            || self.timers.heartbeat_ms == 0
            || self.timers.concurrency == 0
        {
            return wrong("timers.* are at least 1");
        }
        if url.starts_with("sqlite:") && !self.bus.redis_url.is_empty() {
            return wrong("bus.redis_url is for several nodes, and SQLite serves one");
        }
        self.payments.check().or_else(|what| wrong(&what))
    }

    /// How people and providers reach this node.
    #[must_use]
    pub fn public_url(&self) -> String {
        let public = self.http.public_url.trim_end_matches('/');
        if public.is_empty() { format!("http://{}", self.http.listen) } else { public.to_owned() }
    }

    /// How to open the database.
    #[must_use]
    pub fn db_options(&self) -> DbOptions {
        let schema = self.database.schema.clone();
        DbOptions {
            url: self.database.url.clone(),
            connections: self.database.connections,
            sync_full: self.database.synchronous == Synchronous::Full,
            schema: (!schema.is_empty()).then_some(schema),
        }
    }

    /// How many threads read and write HTTP.
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

/// Seconds a provider may be waited for at most.
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

    /// BAL-5: a provider without keys, an open line or no patience stop it; keys stay unsaid.
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
