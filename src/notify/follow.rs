//! Following a feed: from a number on without a gap, or the word that it is too late for that
//! (NOT-6).

use std::sync::Arc;

use entity::value::SessionId;
use entity::{feed, feed_cursor, feed_event};
use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _};

use crate::platform::Stop;
use crate::platform::engine::Shared;
use crate::platform::epoch::Epoch;
use crate::platform::feed::{BEHIND_MAX, after, newest, oldest};

/// So many feeds are asked about at once.
pub const FEEDS_MAX: usize = 500;

/// What a reader who stands at a number finds there.
#[derive(Debug)]
pub enum Found<T> {
    /// It can go on from here.
    Here(T),
    /// It cannot: the snapshot is needed.
    Behind(Behind),
}

/// A feed that does not reach from the reader's number on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The oldest number still kept; one past the newest where nothing is.
    pub oldest: i64,
    /// The newest number.
    pub newest: i64,
}

/// Where a reader begins who can go on.
#[derive(Clone, Debug)]
pub struct Start {
    /// The newest number.
    pub newest: i64,
    /// The history it goes on in.
    pub epoch: Epoch,
}

/// Can a reader go on after this number, which it has from the epoch it names (NOT-6)?
///
/// # Errors
/// A fault when the database fails.
pub async fn from(
    shared: &Shared,
    audience: &str,
    number: i64,
    named: Option<&str>,
) -> Result<Found<Start>, Stop> {
    let epoch = shared.epoch().await?;
    let db = &shared.db.read;
    let newest = newest(db, audience).await?;
    let same = epoch.continues(named, number);
    if same && number == newest {
        return Ok(Found::Here(Start { newest, epoch }));
    }
    let oldest = oldest(db, audience).await?.unwrap_or(newest + 1);
    let kept = number <= newest && oldest - 1 <= number && newest - number <= BEHIND_MAX;
    Ok(if same && kept {
        Found::Here(Start { newest, epoch })
    } else {
        Found::Behind(Behind { oldest, newest })
    })
}

/// The next events after a number of this epoch, at most a page; none where nothing is new. With
/// `far` another node may have told something.
///
/// # Errors
/// A fault when the database fails.
pub async fn next(
    shared: &Shared,
    audience: &str,
    (epoch, number): (&str, i64),
    far: bool,
) -> Result<Found<Vec<Arc<feed_event::Model>>>, Stop> {
    let db = &shared.db.read;
    let found = after(db, &shared.tail, audience, number, far).await;
    let mut events = found.inspect_err(|_| shared.epoch.doubt())?;
    // By its name: a restored database counts its epochs anew.
    if *shared.epoch().await?.id != *epoch {
        let (newest, oldest) = (newest(db, audience).await?, oldest(db, audience).await?);
        return Ok(Found::Behind(Behind { oldest: oldest.unwrap_or(newest + 1), newest }));
    }
    let mut wanted = number;
    let whole = events.iter().take_while(|event| {
        wanted += 1;
        event.seq == wanted
    });
    let whole = whole.count();
    if whole == 0 && !events.is_empty() {
        // Forgotten while the reader stood still.
        let (newest, oldest) = (newest(db, audience).await?, oldest(db, audience).await?);
        return Ok(Found::Behind(Behind { oldest: oldest.unwrap_or(newest + 1), newest }));
    }
    events.truncate(whole);
    Ok(Found::Here(events))
}

/// How far these feeds are, at most [`FEEDS_MAX`] of them; empty ones are left out.
///
/// # Errors
/// A fault when the database fails.
pub async fn far(
    db: &DatabaseConnection,
    audiences: &[String],
) -> Result<Vec<(String, i64)>, Stop> {
    let rows = feed::Entity::find()
        .filter(feed::Column::Audience.is_in(audiences.iter().take(FEEDS_MAX)))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.audience, row.last_seq)).collect())
}

/// The newest number of a feed, and how far this device has acknowledged it.
///
/// # Errors
/// A fault when the database fails.
pub async fn standing(
    shared: &Shared,
    audience: &str,
    session_id: SessionId,
) -> Result<(i64, i64), Stop> {
    let db = &shared.db.read;
    let key = (session_id, audience.to_owned());
    // `all` and not `one`: a bound LIMIT makes SQLite parse the statement anew each time.
    let cursor = feed_cursor::Entity::find_by_id(key).all(db).await?.pop();
    Ok((newest(db, audience).await?, cursor.map_or(0, |cursor| cursor.seq)))
}
