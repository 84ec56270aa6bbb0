//! The book of versions: what is in force now, and what an order was placed under.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use entity::policy_version;
use entity::value::{Instant, Money};
use sea_orm::{DatabaseConnection, EntityTrait as _, IntoActiveModel as _};

use super::keys::Policy;
use crate::platform::{Fault, Stop, Tx};

/// The defaults of the rulebook.
pub const DEFAULTS: &str = include_str!("default.toml");

/// One version, as used.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// Its number.
    pub version: i32,
    /// In force from then.
    pub effective_at: Instant,
    /// Its keys.
    pub keys: Arc<Policy>,
}

/// All versions, in memory.
#[derive(Default)]
pub struct Book(RwLock<BTreeMap<i32, PolicyVersion>>);

impl Book {
    /// Reads all versions; writes the defaults as the first where there is none.
    ///
    /// # Errors
    /// A fault when the database fails or a version cannot be read.
    pub async fn open(
        read: &DatabaseConnection,
        write: &DatabaseConnection,
        now: Instant,
    ) -> Result<Self, Fault> {
        let mut rows = policy_version::Entity::find().all(read).await?;
        if rows.is_empty() {
            let first = policy_version::Model {
                version: 1,
                body: DEFAULTS.to_owned(),
                effective_at: now,
                published_at: now,
                published_by: None,
            };
            // Another node may be first: then its row is the same.
            let _ = policy_version::Entity::insert(first.clone().into_active_model())
                .exec_without_returning(write)
                .await;
            rows.push(first);
        }
        let book = Self::default();
        for row in rows {
            book.add(&row)?;
        }
        Ok(book)
    }

    fn add(&self, row: &policy_version::Model) -> Result<(), Fault> {
        let keys = read(&row.body).map_err(|error| Fault::Inconsistent {
            table: "policy_version",
            id: row.version.to_string(),
            what: format!("body: {error}"),
        })?;
        let (version, effective_at) = (row.version, row.effective_at);
        let version = PolicyVersion { version, effective_at, keys: Arc::new(keys) };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(version.version, version);
        Ok(())
    }

    /// What is in force at this instant.
    ///
    /// # Errors
    /// A fault when nothing is.
    pub fn at(&self, now: Instant) -> Result<PolicyVersion, Stop> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let newest = book.values().rev().find(|v| v.effective_at <= now);
        // Before the first came into force (a clock set back) the first one serves.
        let version = newest.or_else(|| book.values().next()).cloned();
        version.ok_or_else(|| Fault::Other("no policy is in force".to_owned()).into())
    }

    /// The lowest floor of any version: no hold was ever allowed below it.
    ///
    /// # Errors
    /// A fault when there is no version.
    pub fn lowest_floor(&self) -> Result<Money, Stop> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let lowest = book.values().map(|version| version.keys.balance.floor).min();
        lowest.ok_or_else(|| Fault::Other("no policy is in force".to_owned()).into())
    }

    /// The version an order was placed under.
    ///
    /// # Errors
    /// A fault when it is not there.
    pub fn version(&self, version: i32) -> Result<Arc<Policy>, Stop> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = book.get(&version).map(|v| Arc::clone(&v.keys));
        found.ok_or_else(|| Fault::Other(format!("policy version {version} is missing")).into())
    }
}

/// A version's keys; what it was published without has the default of the rulebook.
fn read(body: &str) -> Result<Policy, toml::de::Error> {
    let mut keys: toml::Table = toml::from_str(DEFAULTS)?;
    for (name, section) in toml::from_str::<toml::Table>(body)? {
        match (keys.get_mut(&name), section) {
            (Some(toml::Value::Table(known)), toml::Value::Table(said)) => known.extend(said),
            (_, section) => {
                keys.insert(name, section);
            }
        }
    }
    keys.try_into()
}

/// What is in force for this command.
///
/// # Errors
/// A fault when nothing is.
pub fn in_force(tx: &Tx) -> Result<PolicyVersion, Stop> {
    tx.shared::<Book>()?.at(tx.now())
}

/// The version an order was placed under (ORD-7).
///
/// # Errors
/// A fault when it is not there.
pub fn pinned(tx: &Tx, version: i32) -> Result<Arc<Policy>, Stop> {
    tx.shared::<Book>()?.version(version)
}
