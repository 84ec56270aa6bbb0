//! Heartbeats: proof that a node could serve, and from their gaps the times in which none could
//! (OUT-1).

use entity::value::{Instant, OutageId, Span};
use entity::{heartbeat, outage};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DbErr,
    EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

/// Outages read at once: the newest.
const OUTAGES_MAX: u64 = 1_000;

/// The newest moment any node is known to have served; `None` before the first start.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &DatabaseConnection) -> Result<Option<Instant>, DbErr> {
    let rows = heartbeat::Entity::find().order_by_desc(heartbeat::Column::BeatAt).all(db).await?;
    Ok(rows.into_iter().map(|row| row.beat_at).max())
}

/// Nodes that beat since `since` and have not stopped, in a stable order.
///
/// # Errors
/// When the database fails.
pub async fn alive(db: &DatabaseConnection, since: Instant) -> Result<Vec<Uuid>, DbErr> {
    let rows = heartbeat::Entity::find()
        .filter(heartbeat::Column::BeatAt.gte(since))
        .filter(heartbeat::Column::StoppedAt.is_null())
        .order_by_asc(heartbeat::Column::Node)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.node).collect())
}

/// The first beat of a start.
///
/// # Errors
/// When the database fails.
pub async fn begin(db: &DatabaseConnection, node: Uuid, now: Instant) -> Result<(), DbErr> {
    let row = heartbeat::Model { node, started_at: now, beat_at: now, stopped_at: None };
    heartbeat::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// One beat; the last one when the node stops in good order.
///
/// # Errors
/// When the database fails.
pub async fn beat(
    db: &DatabaseConnection,
    node: Uuid,
    now: Instant,
    stopped: bool,
) -> Result<(), DbErr> {
    let row = heartbeat::ActiveModel {
        beat_at: Set(now),
        stopped_at: Set(stopped.then_some(now)),
        ..Default::default()
    };
    let mine = heartbeat::Entity::update_many().set(row).filter(heartbeat::Column::Node.eq(node));
    let done = mine.exec(db).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(DbErr::RecordNotUpdated) }
}

/// Forgets starts that are long over.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &DatabaseConnection, before: Instant) -> Result<(), DbErr> {
    heartbeat::Entity::delete_many()
        .filter(heartbeat::Column::BeatAt.lt(before))
        .exec(db)
        .await
        .map(|_| ())
}

/// The times since then in which nobody could serve, the oldest first.
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

/// Keeps how many orders an outage touched.
///
/// # Errors
/// When the database fails.
pub async fn touched(db: &DatabaseConnection, id: OutageId, orders: i64) -> Result<(), DbErr> {
    let row = outage::ActiveModel { touched: Set(orders), ..Default::default() };
    let this = outage::Entity::update_many().set(row).filter(outage::Column::Id.eq(id));
    this.exec(db).await.map(|_| ())
}

/// Where a deadline goes over several outages, the oldest first: moved by one it may fall into the
/// next.
#[must_use]
pub fn moved_by_all(due: Instant, outages: &[Span], least: chrono::TimeDelta) -> Instant {
    outages.iter().fold(due, |due, outage| moved(due, *outage, least).unwrap_or(due))
}

/// Where a deadline goes that fell due inside an outage: `up + max(due − down, 60 s)`; others stay
/// (OUT-1).
#[must_use]
pub fn moved(due: Instant, outage: Span, least: chrono::TimeDelta) -> Option<Instant> {
    outage.holds(due).then(|| outage.until + (due - outage.from).max(least))
}
