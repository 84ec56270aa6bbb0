//! The registry of policy versions: the version in force now, and the one an order was placed
//! under.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use entity::policy_version;
use entity::value::{Instant, Money};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
};
use tokio::sync::Notify;

use super::draft;
use super::keys::Policy;
use crate::context::Tx;
use platform::db::pool::Pool;
use platform::{CommandError, Fault};

/// One version, decoded.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// Its number.
    pub version: i32,
    /// When it comes into force.
    pub effective_at: Instant,
    /// Its keys.
    pub keys: Arc<Policy>,
}

/// All versions, in memory. They are never edited, so a cached version stays valid.
#[derive(Default)]
pub struct Registry {
    versions: RwLock<BTreeMap<i32, PolicyVersion>>,
    /// A version was requested that is not here: another node published it.
    missed: Notify,
}

impl Registry {
    /// Reads all versions; writes the defaults as the first version where there is none.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn open(read: &Pool, write: &Pool, now: Instant) -> Result<Self, Fault> {
        let mut rows = policy_version::Entity::find().all(read).await?;
        if rows.is_empty() {
            let first = policy_version::Model {
                version: 1,
                body: draft::DEFAULTS.to_owned(),
                effective_at: now,
                published_at: now,
                published_by: None,
                reason: None,
            };
            // Another node may insert it first: its row is the same.
            let _ = policy_version::Entity::insert(first.clone().into_active_model())
                .exec_without_returning(write)
                .await;
            rows.push(first);
        }
        let book = Self::default();
        for row in &rows {
            book.take(row);
        }
        Ok(book)
    }

    /// Reads versions published since; returns how many.
    ///
    /// # Errors
    /// A fault when the database fails.
    pub async fn refresh<C: ConnectionTrait>(&self, read: &C) -> Result<usize, Fault> {
        let newest = self.read().keys().next_back().copied().unwrap_or(0);
        let rows = policy_version::Entity::find()
            .filter(policy_version::Column::Version.gt(newest))
            .all(read)
            .await?;
        for row in &rows {
            self.take(row);
        }
        Ok(rows.len())
    }

    /// Waits until a version is requested that is not here.
    pub async fn missed(&self) {
        self.missed.notified().await;
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<i32, PolicyVersion>> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a version. One that cannot be decoded raises an alarm and stops only the orders placed
    /// under it: the newest decodable version is in force.
    fn take(&self, row: &policy_version::Model) {
        if let Err(fault) = self.add(row) {
            tracing::error!(alarm = "rows_unreadable", %fault, "the version is left out");
        }
    }

    fn add(&self, row: &policy_version::Model) -> Result<(), Fault> {
        let keys = draft::keys(&row.body).map_err(|error| Fault::Inconsistent {
            table: "policy_version",
            id: row.version.to_string(),
            what: format!("body: {error}"),
        })?;
        let (version, effective_at) = (row.version, row.effective_at);
        let version = PolicyVersion { version, effective_at, keys: Arc::new(keys) };
        let mut book = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        book.insert(version.version, version);
        Ok(())
    }

    /// The version in force at this instant.
    ///
    /// # Errors
    /// A fault when there is none.
    pub fn at(&self, now: Instant) -> Result<PolicyVersion, CommandError> {
        let book = self.read();
        let newest = book.values().rev().find(|v| v.effective_at <= now);
        // Before the first came into force (a clock set back) the first one applies.
        let version = newest.or_else(|| book.values().next()).cloned();
        version.ok_or_else(|| Fault::Other("no policy is in force".to_owned()).into())
    }

    /// The lowest floor of any version: no hold was ever allowed below it.
    ///
    /// # Errors
    /// A fault when there is no version.
    pub fn lowest_floor(&self) -> Result<Money, CommandError> {
        let book = self.read();
        let lowest = book.values().map(|version| version.keys.balance.floor).min();
        lowest.ok_or_else(|| Fault::Other("no policy is in force".to_owned()).into())
    }

    /// The version in force at this instant and those after it, in order.
    ///
    /// # Errors
    /// A fault when none is in force.
    pub fn from(&self, now: Instant) -> Result<Vec<PolicyVersion>, CommandError> {
        let first = self.at(now)?.version;
        Ok(self.read().range(first..).map(|(_, version)| version.clone()).collect())
    }

    /// The version an order was placed under.
    ///
    /// # Errors
    /// Contended where another node published it and this one has not read it yet: it reads it, and
    /// the command is run again.
    pub fn version(&self, version: i32) -> Result<Arc<Policy>, CommandError> {
        let found = self.read().get(&version).map(|v| Arc::clone(&v.keys));
        found.ok_or_else(|| {
            self.missed.notify_one();
            CommandError::Contended
        })
    }
}

/// The version in force for this command.
///
/// # Errors
/// A fault when there is none.
pub fn in_force(tx: &Tx) -> Result<PolicyVersion, CommandError> {
    tx.context().policy.at(tx.now())
}

/// The version an order was placed under (ORD-7).
///
/// # Errors
/// Contended where this node has not read it yet.
pub fn at_version(tx: &Tx, version: i32) -> Result<Arc<Policy>, CommandError> {
    tx.context().policy.version(version)
}
