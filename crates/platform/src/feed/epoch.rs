//! The epoch of the feeds: the name of one history of the database. A device that sends an event
//! number of another history must load a snapshot (NOT-6).
//!
//! A new epoch begins when the database was restored. `yumo restore` begins it explicitly; other
//! restores are detected at a start and while serving: on `SQLite` by a file beside the database
//! ([`super::epoch_marker`]), on PostgreSQL by the server's identity, its timeline (a restore to a
//! point in time and a promoted standby begin another), the database, the table, and a log position
//! that went back. For a restore that leaves no trace an operator runs `yumo epoch new`.

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use entity::feed_epoch;
use entity::value::Instant;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryOrder as _, Statement,
};
use uuid::Uuid;

use super::epoch_marker::{self, Marker};
use crate::db::Db;
use crate::db::error::{self, WriteError};
use crate::db::pool::Pool;
use crate::db::sqlite_file::broken;
use crate::refusal::Fault;

/// The bus topic that announces another epoch.
pub const TOPIC: &str = "epoch";

/// The identity of a PostgreSQL database, and the position of its log.
const PLACE: &str = "\
SELECT (SELECT system_identifier FROM pg_control_system())::text \
|| '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) \
|| '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text \
|| '/' || 'feed_epoch'::regclass::oid::text AS place, \
(pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint AS log_position";
const EVENTS: &str = "SELECT COALESCE(SUM(last_seq), 0) AS events FROM feed";
/// PostgreSQL's errors where the role may not read the identity, or a service does not offer it.
const NOT_TOLD: [&str; 3] = ["42501", "42883", "0A000"];

/// One history of the feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number: 1, 2, 3 …
    pub n: i32,
    /// Its name on the wire.
    pub id: Arc<str>,
    first: Arc<str>,
}

impl Epoch {
    /// May a device continue after this number of the epoch it names? A device that names none
    /// means the first epoch: a database that was never restored has no other. Number 0 is valid in
    /// every epoch.
    #[must_use]
    pub fn continues(&self, named: Option<&str>, after: i64) -> bool {
        (named.is_none() && after == 0) || self.is(named)
    }

    /// Is this the epoch the device names?
    #[must_use]
    pub fn is(&self, named: Option<&str>) -> bool {
        named.unwrap_or(&self.first) == &*self.id
    }
}

/// The identity of a database as PostgreSQL reports it.
#[derive(Clone, Debug, Default)]
struct DatabaseIdentity {
    /// Empty where it is not reported.
    name: String,
    log_position: i64,
}

#[derive(Debug, Default)]
struct Known {
    epoch: Option<Epoch>,
    /// The database has been reachable ever since.
    sure: bool,
    /// Connections opened until then: a newer one may lead to a restored database.
    opened: u64,
    log_position: i64,
}

/// What this node knows of the epoch.
#[derive(Debug, Default)]
pub struct FeedEpoch {
    known: RwLock<Known>,
    /// Held by whoever reads it again.
    pub(crate) looking: tokio::sync::Mutex<()>,
    marker: OnceLock<Marker>,
}

impl FeedEpoch {
    /// At a start, before any event is emitted: checks whether the database is the one served last,
    /// and begins another epoch where that is not certain.
    ///
    /// # Errors
    /// When the database or the file beside it fails.
    pub async fn begin(&self, db: &Db, file: Option<&Path>, now: Instant) -> Result<(), Fault> {
        let events = match file {
            Some(_) => events(&db.read).await?,
            None => 0,
        };
        let place = place(db).await?;
        let newest = newest(&db.read).await?;
        let reason = match &newest {
            None => Some("the first"),
            Some(row) => match file {
                Some(file) => epoch_marker::doubt(file, &row.epoch, events)
                    .map_err(|error| broken(file, &error))?,
                None => elsewhere(row, &place),
            },
        };
        if let Some(reason) = reason {
            if newest.is_some() {
                alarm(reason);
            }
            add(&db.write, newest.as_ref(), &place.name, reason, now).await?;
        }
        let epoch = read(&db.read).await?.ok_or_else(missing)?;
        if let Some(file) = file {
            let marker = Marker::write(file, &epoch.id, events);
            let _ = self.marker.set(marker.map_err(|error| broken(file, &error))?);
        }
        self.keep(epoch, place.log_position, 0);
        Ok(())
    }

    /// The epoch, where it is certain.
    pub(crate) fn sure(&self, opened: u64) -> Option<Epoch> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.epoch.clone().filter(|_| known.sure && known.opened == opened)
    }

    /// The database failed: when it is back it may be another one.
    pub fn doubt(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).sure = false;
    }

    /// Counts committed events.
    pub(crate) fn count(&self, events: usize) {
        let Some(marker) = self.marker.get().filter(|_| events > 0) else { return };
        if let Err(error) = marker.count(u64::try_from(events).unwrap_or(u64::MAX)) {
            tracing::warn!(%error, "the .epoch file of the database could not be written");
        }
    }

    /// Renews the file beside the database: at each check, and at an orderly stop.
    pub fn renew(&self) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).epoch.clone();
        let (Some(marker), Some(epoch)) = (self.marker.get(), known) else { return };
        if let Err(error) = marker.renew(&epoch.id) {
            tracing::warn!(%error, "the .epoch file of the database could not be renewed");
        }
    }

    /// Stores what was found; true where the epoch differs from the one before.
    fn keep(&self, epoch: Epoch, log_position: i64, opened: u64) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let changed = known.epoch.as_ref().is_some_and(|before| *before != epoch);
        *known = Known { epoch: Some(epoch), sure: true, opened, log_position };
        changed
    }

    /// Reads from the database whether it is still the same one.
    pub(crate) async fn look(&self, db: &Db, now: Instant) -> Result<(Epoch, bool), Fault> {
        let opened = db.storage.opened();
        let place = place(db).await?;
        let newest = newest(&db.read).await?.ok_or_else(missing)?;
        let went_back = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            // Unless another node detected it already.
            let same = known.epoch.as_ref().is_some_and(|epoch| *epoch.id == *newest.epoch);
            same && place.log_position < known.log_position
        };
        let reason = if went_back {
            Some("the database's log position went back")
        } else {
            elsewhere(&newest, &place)
        };
        if let Some(reason) = reason {
            add(&db.write, Some(&newest), &place.name, reason, now).await?;
        }
        let epoch = read(&db.read).await?.ok_or_else(missing)?;
        let changed = self.keep(epoch.clone(), place.log_position, opened);
        if changed {
            alarm(reason.unwrap_or("an operator or another node began it"));
        }
        Ok((epoch, changed))
    }
}

fn alarm(reason: &str) {
    tracing::warn!(
        alarm = "feed_epoch_changed",
        reason,
        "the database was restored: devices take the snapshot"
    );
}

fn missing() -> Fault {
    Fault::Other("the table feed_epoch is empty: no node has served this database".to_owned())
}

fn elsewhere(row: &feed_epoch::Model, place: &DatabaseIdentity) -> Option<&'static str> {
    let told = !row.place.is_empty() && !place.name.is_empty();
    (told && row.place != place.name)
        .then_some("it stands on another server, timeline, database or table")
}

async fn newest(db: &Pool) -> Result<Option<feed_epoch::Model>, DbErr> {
    Ok(all(db).await?.pop())
}

async fn all<C: ConnectionTrait>(db: &C) -> Result<Vec<feed_epoch::Model>, DbErr> {
    feed_epoch::Entity::find().order_by_asc(feed_epoch::Column::N).all(db).await
}

/// The current epoch in the database; `None` before the first.
///
/// # Errors
/// When the database fails.
pub async fn read<C: ConnectionTrait>(db: &C) -> Result<Option<Epoch>, DbErr> {
    let rows = all(db).await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
    Ok(Some(Epoch {
        n: last.n,
        id: last.epoch.as_str().into(),
        first: first.epoch.as_str().into(),
    }))
}

/// Begins another epoch at an operator's request; serving nodes see it at their next check.
///
/// # Errors
/// When the database fails.
pub async fn begin_another(db: &Db, reason: &str, now: Instant) -> Result<Epoch, Fault> {
    let place = place(db).await?;
    add(&db.write, newest(&db.read).await?.as_ref(), &place.name, reason, now).await?;
    read(&db.read).await?.ok_or_else(missing)
}

/// How many events all feeds have had so far.
///
/// # Errors
/// When the database fails.
pub async fn events(db: &Pool) -> Result<u64, DbErr> {
    let asked = Statement::from_string(db.get_database_backend(), EVENTS);
    let row = db.query_one_raw(asked).await?;
    let events: i64 = row.map_or(Ok(0), |row| row.try_get("", "events"))?;
    Ok(u64::try_from(events).unwrap_or(0))
}

async fn add(
    db: &Pool,
    before: Option<&feed_epoch::Model>,
    place: &str,
    reason: &str,
    now: Instant,
) -> Result<(), Fault> {
    let row = feed_epoch::Model {
        n: before.map_or(1, |row| row.n + 1),
        epoch: Uuid::new_v4().to_string(),
        place: place.to_owned(),
        reason: reason.to_owned(),
        began_at: now,
    };
    let added = feed_epoch::Entity::insert(row.into_active_model()).exec_without_returning(db);
    match added.await.map_err(WriteError::from) {
        // Another node inserted the row first.
        Ok(_) | Err(WriteError::Unique(_)) => Ok(()),
        Err(WriteError::Other(error)) => Err(error.into()),
        Err(error) => Err(Fault::Other(format!("a new epoch could not be written: {error:?}"))),
    }
}

async fn place(db: &Db) -> Result<DatabaseIdentity, DbErr> {
    if db.backend == DatabaseBackend::Sqlite {
        return Ok(DatabaseIdentity::default());
    }
    match db.read.query_one_raw(Statement::from_string(db.backend, PLACE)).await {
        Ok(Some(row)) => Ok(DatabaseIdentity {
            name: row.try_get("", "place")?,
            log_position: row.try_get("", "log_position")?,
        }),
        Ok(None) => Ok(DatabaseIdentity::default()),
        Err(error) => match error::code(&error) {
            Some(code) if NOT_TOLD.contains(&code.as_str()) => {
                tracing::debug!(%error, "PostgreSQL does not say where it stands");
                Ok(DatabaseIdentity::default())
            }
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-6: a number of another history leads to a snapshot; a device that names no epoch belongs
    /// to the first one.
    #[test]
    fn not_6_a_number_of_another_epoch_leads_nowhere() {
        let epoch = |n, id: &str| Epoch { n, id: id.into(), first: "a".into() };
        let (one, two) = (epoch(1, "a"), epoch(2, "b"));
        assert!(one.continues(Some("a"), 14) && one.continues(None, 14));
        assert!(!one.continues(Some("b"), 14));
        assert!(two.continues(Some("b"), 14) && two.continues(None, 0));
        assert!(!two.continues(Some("a"), 14) && !two.continues(None, 14));
        assert!(!two.continues(Some("a"), 0) && !two.is(None));
    }
}
