//! Feeds: the events of each audience, numbered 1, 2, 3 … without a gap (NOT-6).

pub mod epoch;
pub mod epoch_marker;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use entity::value::Instant;
use entity::{feed, feed_event};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use crate::db::pool::Pool;
use crate::engine::write_set::Event;

/// How many events are read at once.
pub const PAGE_EVENTS: usize = 100;
/// A reader further behind than this takes the snapshot instead.
pub const BEHIND_MAX: i64 = 5_000;
const TAIL_EVENTS: usize = 32;
const TAIL_AUDIENCES: u64 = 20_000;

type Ring = Arc<Mutex<VecDeque<Arc<feed_event::Model>>>>;

/// The newest events of busy feeds, cached by the node that wrote them, so that a wake-up needs no
/// read.
pub struct Tail(moka::sync::Cache<String, Ring>);

impl Tail {
    pub(super) fn new() -> Self {
        Self(moka::sync::Cache::new(TAIL_AUDIENCES))
    }

    pub(super) fn landed(
        &self,
        events: Vec<Event>,
        feeds: &[(String, usize)],
        numbers: &[i64],
        now: Instant,
    ) {
        let mut next: Vec<(&str, i64)> = feeds
            .iter()
            .zip(numbers)
            .map(|((audience, n), last)| {
                (audience.as_str(), last - i64::try_from(*n).unwrap_or(0) + 1)
            })
            .collect();
        for fact in events {
            let Some(place) = next.iter_mut().find(|(audience, _)| *audience == fact.audience)
            else {
                continue;
            };
            let event = event_row(fact, place.1, now);
            place.1 += 1;
            self.keep(event);
        }
    }

    /// Drops everything: the database is another one.
    pub(super) fn forget_all(&self) {
        self.0.invalidate_all();
    }

    fn keep(&self, event: feed_event::Model) {
        let ring = self.0.get_with_by_ref(&event.audience, Ring::default);
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        let place = ring.iter().rposition(|e| e.seq < event.seq).map_or(0, |i| i + 1);
        ring.insert(place, Arc::new(event));
        if ring.len() > TAIL_EVENTS {
            ring.pop_front();
        }
    }

    /// The events after a number, as far as this node wrote them; `None` when they are not all
    /// cached.
    fn after(&self, audience: &str, after: i64) -> Option<Vec<Arc<feed_event::Model>>> {
        let ring = self.0.get(audience)?;
        let ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.back().is_some_and(|newest| newest.seq <= after) {
            return Some(Vec::new());
        }
        let newer = ring.iter().filter(|event| event.seq > after);
        let dense = (after + 1..).zip(newer).take_while(|(wanted, event)| event.seq == *wanted);
        let found: Vec<_> = dense.map(|(_, event)| Arc::clone(event)).collect();
        Some(found).filter(|found| !found.is_empty())
    }
}

fn event_row(fact: Event, seq: i64, at: Instant) -> feed_event::Model {
    feed_event::Model {
        audience: fact.audience,
        seq,
        id: fact.id,
        kind: fact.kind.into(),
        at,
        subject: fact.subject,
        session_id: fact.session_id,
        payload: fact.payload,
    }
}

/// The newest number of a feed; 0 where it has no events yet.
///
/// # Errors
/// When the database fails.
pub async fn newest<C: ConnectionTrait>(db: &C, audience: &str) -> Result<i64, DbErr> {
    let row = feed::Entity::find_by_id(audience.to_owned()).all(db).await?.pop();
    Ok(row.map_or(0, |row| row.last_seq))
}

/// The oldest number still stored; `None` where there is none.
///
/// # Errors
/// When the database fails.
pub async fn oldest(db: &Pool, audience: &str) -> Result<Option<i64>, DbErr> {
    feed_event::Entity::find()
        .select_only()
        .column_as(feed_event::Column::Seq.min(), "oldest")
        .filter(feed_event::Column::Audience.eq(audience))
        .into_tuple::<Option<i64>>()
        .one(db)
        .await
        .map(Option::flatten)
}

/// The next events of a feed, in order, at most a page of them. Without `far` the cache of this
/// node suffices: no other node is known to have emitted anything.
///
/// # Errors
/// When the database fails.
pub async fn after(
    db: &Pool,
    tail: &Tail,
    audience: &str,
    after: i64,
    far: bool,
) -> Result<Vec<Arc<feed_event::Model>>, DbErr> {
    if !far && let Some(near) = tail.after(audience, after) {
        return Ok(near);
    }
    let reach = after.saturating_add(i64::try_from(PAGE_EVENTS).unwrap_or(100));
    let rows = feed_event::Entity::find()
        .filter(feed_event::Column::Audience.eq(audience))
        .filter(feed_event::Column::Seq.gt(after))
        .filter(feed_event::Column::Seq.lte(reach))
        .order_by_asc(feed_event::Column::Seq)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| Arc::new(readable(row))).collect())
}

/// Replaces a payload that is no JSON, which would break every page it is on: the event keeps its
/// number, and readers get an empty payload.
fn readable(mut event: feed_event::Model) -> feed_event::Model {
    if serde_json::from_str::<serde::de::IgnoredAny>(&event.payload).is_err() {
        let feed_event::Model { audience, seq, .. } = &event;
        tracing::error!(alarm = "rows_unreadable", audience, seq, "an event is left blank");
        event.payload.clear();
    }
    event
}

/// Deletes events older than their retention time.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<u64, DbErr> {
    let gone = feed_event::Entity::delete_many()
        .filter(feed_event::Column::At.lt(before))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
