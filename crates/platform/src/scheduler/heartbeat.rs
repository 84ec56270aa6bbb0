//! Heartbeats: rows that prove that a node could serve. Their gaps are the outages, the times in
//! which none could (OUT-1).

use entity::value::{Instant, Span};
use entity::{heartbeat, outage};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::db::pool::Pool;

/// Most outages read at once: the newest.
const OUTAGES_MAX: u64 = 1_000;

/// The newest moment any node is known to have served; `None` before the first start.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Pool) -> Result<Option<Instant>, DbErr> {
    let rows = heartbeat::Entity::find().order_by_desc(heartbeat::Column::BeatAt).all(db).await?;
    Ok(rows.into_iter().map(|row| row.beat_at).max())
}

/// Nodes with a heartbeat since `since` that have not stopped, in a stable order.
///
/// # Errors
/// When the database fails.
pub async fn alive(db: &Pool, since: Instant) -> Result<Vec<Uuid>, DbErr> {
    let rows = heartbeat::Entity::find()
        .filter(heartbeat::Column::BeatAt.gte(since))
        .filter(heartbeat::Column::StoppedAt.is_null())
        .order_by_asc(heartbeat::Column::Node)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.node).collect())
}

/// Writes one heartbeat, including the first of a start and the last of an orderly stop.
///
/// # Errors
/// When the database fails.
pub async fn beat(db: &Pool, node: Uuid, now: Instant, stopped: bool) -> Result<(), DbErr> {
    let stopped_at = stopped.then_some(now);
    let row = heartbeat::Model { node, started_at: now, beat_at: now, stopped_at };
    let again = OnConflict::column(heartbeat::Column::Node)
        .update_columns([heartbeat::Column::BeatAt, heartbeat::Column::StoppedAt])
        .to_owned();
    let insert = heartbeat::Entity::insert(row.into_active_model()).on_conflict(again);
    insert.exec_without_returning(db).await.map(|_| ())
}

/// Deletes the rows of starts that are long over.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, before: Instant) -> Result<(), DbErr> {
    heartbeat::Entity::delete_many()
        .filter(heartbeat::Column::BeatAt.lt(before))
        .exec(db)
        .await
        .map(|_| ())
}

/// The outages since then, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn outages<C: ConnectionTrait>(db: &C, since: Instant) -> Result<Vec<Span>, DbErr> {
    let rows = outage::Entity::find()
        .filter(outage::Column::UpAt.gt(since))
        .order_by_desc(outage::Column::DownAt)
        .limit(OUTAGES_MAX)
        .all(db)
        .await?;
    Ok(rows.iter().rev().map(|row| Span { from: row.down_at, until: row.up_at }).collect())
}

/// The instant to compare with a deadline that no timer waits for. An act between the deadline and
/// the point to which outages extended it is still in time. Outages are read only where the act
/// would be too late (OUT-1).
///
/// # Errors
/// When the database fails.
pub async fn judged<C: ConnectionTrait>(
    db: &C,
    due: Instant,
    now: Instant,
    least: chrono::TimeDelta,
) -> Result<Instant, DbErr> {
    if now <= due {
        return Ok(now);
    }
    let outages = outages(db, due).await?;
    Ok(if now <= moved_by_all(due, &outages, least) { due } else { now })
}

/// Where a deadline moves over several outages, the oldest first: extended by one it may fall into
/// the next.
#[must_use]
pub fn moved_by_all(due: Instant, outages: &[Span], least: chrono::TimeDelta) -> Instant {
    outages.iter().fold(due, |due, outage| moved(due, *outage, least).unwrap_or(due))
}

/// Where a deadline moves that fell due inside an outage: `up + max(due − down, 60 s)`; others stay
/// (OUT-1).
#[must_use]
pub fn moved(due: Instant, outage: Span, least: chrono::TimeDelta) -> Option<Instant> {
    outage.holds(due).then(|| outage.until + (due - outage.from).max(least))
}
