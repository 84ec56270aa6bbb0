//! Following a feed: the events after a sequence number without a gap, or the answer that the
//! subscriber is too far behind (NOT-6).

use std::sync::Arc;

use entity::value::SessionId;
use entity::{feed, feed_cursor, feed_event};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use platform::CommandError;
use platform::db::pool::Pool;
use platform::engine::shared::Shared;
use platform::feed::epoch::Epoch;
use platform::feed::{BEHIND_MAX, after, newest, oldest};

/// Maximum number of feeds in one query.
pub const FEEDS_MAX: usize = 500;

/// The result of resuming a feed at a sequence number.
#[derive(Debug)]
pub enum Position<T> {
    /// The subscriber can resume.
    Here(T),
    /// The subscriber cannot resume and needs the snapshot.
    Behind(Behind),
}

/// The range of a feed that cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The oldest sequence number kept; one past the newest where none is.
    pub oldest: i64,
    /// The newest sequence number.
    pub newest: i64,
}

/// The position at which a subscriber resumes.
#[derive(Clone, Debug)]
pub struct Start {
    /// The newest sequence number.
    pub newest: i64,
    /// The epoch in which it resumes.
    pub epoch: Epoch,
}

/// Decides whether a subscriber can resume after a sequence number of the epoch it names (NOT-6).
///
/// # Errors
/// A fault when the database fails.
pub async fn from(
    shared: &Shared,
    audience: &str,
    number: i64,
    named: Option<&str>,
) -> Result<Position<Start>, CommandError> {
    let epoch = shared.epoch().await?;
    let db = &shared.db.read;
    let newest = newest(db, audience).await?;
    let same = epoch.continues(named, number);
    if same && number == newest {
        return Ok(Position::Here(Start { newest, epoch }));
    }
    let oldest = oldest(db, audience).await?.unwrap_or(newest + 1);
    let kept = number <= newest && oldest - 1 <= number && newest - number <= BEHIND_MAX;
    Ok(if same && kept {
        Position::Here(Start { newest, epoch })
    } else {
        Position::Behind(Behind { oldest, newest })
    })
}

/// The next events after a sequence number of this epoch, at most a page; empty where nothing is
/// new. With `far`, another node may have emitted events.
///
/// # Errors
/// A fault when the database fails.
pub async fn next(
    shared: &Shared,
    audience: &str,
    (epoch, number): (&str, i64),
    far: bool,
) -> Result<Position<Vec<Arc<feed_event::Model>>>, CommandError> {
    let db = &shared.db.read;
    let found = after(db, &shared.tail, audience, number, far).await;
    let mut events = found.inspect_err(|_| shared.epoch.doubt())?;
    // Compared by id, because a restored database restarts the count of epochs.
    if *shared.epoch().await?.id != *epoch {
        let (newest, oldest) = (newest(db, audience).await?, oldest(db, audience).await?);
        return Ok(Position::Behind(Behind { oldest: oldest.unwrap_or(newest + 1), newest }));
    }
    let mut wanted = number;
    let whole = events.iter().take_while(|event| {
        wanted += 1;
        event.seq == wanted
    });
    let whole = whole.count();
    if whole == 0 && !events.is_empty() {
        // The events were deleted while the subscriber was not reading.
        let (newest, oldest) = (newest(db, audience).await?, oldest(db, audience).await?);
        return Ok(Position::Behind(Behind { oldest: oldest.unwrap_or(newest + 1), newest }));
    }
    events.truncate(whole);
    Ok(Position::Here(events))
}

/// The newest sequence numbers of at most [`FEEDS_MAX`] feeds; empty feeds are left out.
///
/// # Errors
/// A fault when the database fails.
pub async fn far(db: &Pool, audiences: &[String]) -> Result<Vec<(String, i64)>, CommandError> {
    let rows = feed::Entity::find()
        .filter(feed::Column::Audience.is_in(audiences.iter().take(FEEDS_MAX)))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.audience, row.last_seq)).collect())
}

/// The newest sequence number of a feed, and the one this device has acknowledged.
///
/// # Errors
/// A fault when the database fails.
pub async fn standing(
    shared: &Shared,
    audience: &str,
    session_id: SessionId,
) -> Result<(i64, i64), CommandError> {
    let db = &shared.db.read;
    let key = (session_id, audience.to_owned());
    // `all` and not `one`: a bound LIMIT makes SQLite parse the statement again each time.
    let cursor = feed_cursor::Entity::find_by_id(key).all(db).await?.pop();
    Ok((newest(db, audience).await?, cursor.map_or(0, |cursor| cursor.seq)))
}
