//! The fixture of a server: its own database, keys, and the settings that name them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use platform::db::{Db, DbLimits, DbOptions};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};
use tokio::sync::{Mutex, MutexGuard};

/// Only one test uses the machine at a time: the tests measure it, and push it to its limits.
pub static MACHINE: Mutex<()> = Mutex::const_new(());

/// The database, and the nodes it supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file, one node.
    Sqlite,
    /// PostgreSQL, one node.
    Postgres,
    /// PostgreSQL and Redis: several nodes.
    Cluster,
}

/// A database and the settings of the servers on it.
pub struct Ground {
    folder: PathBuf,
    options: DbOptions,
    settings: Vec<(&'static str, String)>,
    deadlocks: i64,
    mounted: bool,
    _alone: MutexGuard<'static, ()>,
}

fn service(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}

impl Ground {
    /// Creates a fresh database; waits until the machine is free.
    pub async fn new(backend: Backend) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let alone = MACHINE.lock().await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("faults_{}_{number}", std::process::id());
        let folder = std::env::temp_dir().join(format!("yumo_{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let schema = (backend != Backend::Sqlite).then(|| name.clone());
        let url = match backend {
            Backend::Sqlite => format!("sqlite://{}/yumo.db?mode=rwc", folder.display()),
            Backend::Postgres | Backend::Cluster => service("YUMO_TEST_POSTGRES"),
        };
        let mut settings = vec![
            ("YUMO__HTTP__LISTEN", "127.0.0.1:0".to_owned()),
            ("YUMO__LOG__FORMAT", "json".to_owned()),
            ("YUMO__CRYPTO__KEY_FILE", folder.join("yumo.key").display().to_string()),
            ("YUMO__DATABASE__URL", url.clone()),
            ("YUMO__DATABASE__SCHEMA", schema.clone().unwrap_or_default()),
            ("YUMO__ACCESS__OTP_PER_ADDRESS_HOUR", "100000".to_owned()),
            ("YUMO__ACCESS__OTP_PER_ADDRESS_DAY", "100000".to_owned()),
            ("YUMO__ACCESS__OTP_PER_BLOCK_HOUR", "100000".to_owned()),
            ("YUMO__ACCESS__OTP_PER_BLOCK_DAY", "100000".to_owned()),
            ("YUMO__ACCESS__ACCESS_TTL_S", "7200".to_owned()),
            // All the people of a test share one address.
            ("YUMO__HTTP__CONNECTIONS_PER_ADDRESS", "100000".to_owned()),
            ("YUMO__HTTP__RATE_SESSION_BURST", "1000000".to_owned()),
            ("YUMO__HTTP__RATE_SESSION_PER_S", "1000000".to_owned()),
            ("YUMO__HTTP__RATE_ADDRESS_BURST", "1000000".to_owned()),
            ("YUMO__HTTP__RATE_ADDRESS_PER_S", "1000000".to_owned()),
        ];
        if backend == Backend::Cluster {
            settings.push(("YUMO__BUS__REDIS_URL", service("YUMO_TEST_REDIS")));
            settings.push(("YUMO__BUS__CHANNEL", name.clone()));
        }
        let mut deadlocks = 0;
        if let Some(schema) = &schema {
            let bare = options(&url, None);
            let db = Db::open(&bare).await.expect("PostgreSQL answers");
            db.write.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await.unwrap();
            deadlocks = deadlocks_so_far(&db).await;
        }
        let options = options(&url, schema);
        Self { folder, options, settings, deadlocks, mounted: false, _alone: alone }
    }

    /// One file on a disk of this many MiB; only in a private mount namespace.
    pub async fn on_a_small_disk(mib: u32) -> Self {
        let mut ground = Self::new(Backend::Sqlite).await;
        let size = format!("size={mib}m");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "yumo"]).arg(&ground.folder);
        assert!(mount.status().unwrap().success(), "{mount:?}");
        ground.mounted = true;
        ground
    }

    /// PostgreSQL with a separate database, whose settings a test may change.
    pub async fn on_its_own_database() -> Self {
        let mut ground = Self::new(Backend::Postgres).await;
        let name = ground.options.schema.take().unwrap();
        let db = Db::open(&ground.options).await.unwrap();
        db.write.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        let (server, _) = ground.options.url.rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        ground.sets("YUMO__DATABASE__SCHEMA", "");
        ground.sets("YUMO__DATABASE__URL", &url);
        ground.options.url = url;
        ground.deadlocks = 0;
        ground
    }

    /// A connection to the server of this database, by another of its databases.
    pub async fn admin(&self) -> Db {
        Db::open(&options(&service("YUMO_TEST_POSTGRES"), None)).await.unwrap()
    }

    /// A file in the data folder: the `SQLite` database or its log.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The database URL.
    pub fn url(&self) -> &str {
        &self.options.url
    }

    /// Sets a setting of the servers that start from now on.
    pub fn sets(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
    }

    /// A second connection to the database of a running server, to read or to hold locks.
    pub async fn beside(&self, limits: DbLimits) -> Db {
        Db::open(&DbOptions { limits, ..self.options.clone() }).await.unwrap()
    }

    /// Deadlocks since this fixture was created: PostgreSQL detects one only after a second, in
    /// which others that need the same rows wait too.
    pub async fn deadlocks(&self) -> i64 {
        let db = self.db().await;
        if db.backend == DatabaseBackend::Sqlite {
            return 0;
        }
        deadlocks_so_far(&db).await - self.deadlocks
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the servers to another PostgreSQL from now on, in its default schema.
    pub fn moves_to(&mut self, url: &str) {
        self.options = options(url, None);
        self.set("YUMO__DATABASE__URL", url);
        self.set("YUMO__DATABASE__SCHEMA", "");
    }

    /// Replaces the value of a setting.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
    }

    /// Host and port of PostgreSQL; `None` on one file.
    pub fn database_address(&self) -> Option<String> {
        let rest = self.options.url.split_once("://").filter(|(kind, _)| *kind != "sqlite")?.1;
        let place = rest.split('/').next()?;
        Some(place.rsplit('@').next()?.to_owned())
    }

    /// Servers started from now on reach PostgreSQL at this address.
    pub fn database_through(&mut self, address: &str) {
        let Some(own) = self.database_address() else { return };
        let url = self.options.url.replace(&own, address);
        for (name, value) in &mut self.settings {
            if *name == "YUMO__DATABASE__URL" {
                value.clone_from(&url);
            }
        }
    }

    /// The settings, as the environment of a process.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A direct connection to the database; no server must be running.
    pub async fn db(&self) -> Db {
        Db::open(&self.options).await.unwrap()
    }
}

fn options(url: &str, schema: Option<String>) -> DbOptions {
    let limits = DbLimits::default();
    DbOptions { url: url.to_owned(), connections: 1, sync_full: true, schema, limits }
}

async fn deadlocks_so_far(db: &Db) -> i64 {
    let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let row = db.read.query_one_raw(Statement::from_string(db.backend, count)).await.unwrap();
    row.unwrap().try_get("", "deadlocks").unwrap()
}

impl Drop for Ground {
    fn drop(&mut self) {
        if self.mounted {
            let _ = std::process::Command::new("umount").arg("-l").arg(&self.folder).status();
        }
        if std::thread::panicking() {
            eprintln!("what was left: {} {:?}", self.folder.display(), self.options.schema);
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
