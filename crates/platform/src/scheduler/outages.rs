//! The rows of our outages: one for each, claimed by the node that extends its deadlines (OUT-1).

use chrono::TimeDelta;
use entity::outage;
use entity::value::{Instant, OutageId, Span};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::heartbeat;
use crate::db::pool::Pool;

/// A claim that was not renewed for this long belongs to a node that died.
const CLAIM_OVER: TimeDelta = TimeDelta::seconds(10);
/// Marks ids that are derived from the moment alone.
const MARK: [u8; 2] = [0x0f, 0x07];

/// The result of a check for a gap.
#[derive(Debug)]
pub enum Gap {
    /// No gap: the database was served up to now.
    Nothing,
    /// Another node extends the deadlines: wait.
    Elsewhere,
    /// This node has to extend them.
    Ours(outage::Model),
}

/// The newest moment any node is known to have served; `None` before the first start.
///
/// # Errors
/// When the database fails.
pub async fn served(db: &Pool) -> Result<Option<Instant>, DbErr> {
    let Some(beat) = heartbeat::newest(db).await? else { return Ok(None) };
    // Recovered, but no heartbeat followed: what comes next is another outage.
    let rows = outage::Entity::find()
        .filter(outage::Column::RecoveredAt.is_not_null())
        .order_by_desc(outage::Column::UpAt)
        .limit(1);
    let up = rows.all(db).await?.pop().map(|row| row.up_at);
    Ok(Some(up.map_or(beat, |up| beat.max(up))))
}

/// The outage whose recovery a node began and did not finish.
async fn open(db: &Pool) -> Result<Option<outage::Model>, DbErr> {
    let rows = outage::Entity::find().filter(outage::Column::RecoveredAt.is_null());
    Ok(rows.all(db).await?.pop())
}

/// Claims the recovery from an outage that ends now. One outage is one row: its id is derived from
/// the moment it began.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &Pool, span: Span, node: Uuid) -> Result<Gap, DbErr> {
    let row = outage::Model {
        id: named(span.from),
        down_at: span.from,
        up_at: span.until,
        touched: 0,
        claimed_by: Some(node),
        claimed_at: Some(span.until),
        recovered_at: None,
    };
    let once = OnConflict::column(outage::Column::Id).do_nothing().to_owned();
    let insert = outage::Entity::insert(row.clone().into_active_model()).on_conflict(once);
    let taken = insert.exec_without_returning(db).await?;
    if taken == 0 {
        return Ok(Gap::Elsewhere);
    }
    // Another node may have read another last moment: a heartbeat committed between the two reads.
    // A node that finds a second row deletes its own and checks again.
    let others = outage::Entity::find()
        .filter(outage::Column::RecoveredAt.is_null())
        .filter(outage::Column::Id.ne(row.id));
    if others.all(db).await?.is_empty() {
        return Ok(Gap::Ours(row));
    }
    outage::Entity::delete_by_id(row.id).exec(db).await?;
    Ok(Gap::Elsewhere)
}

/// Continues this node's own recovery, takes over one whose node died, or reports that another node
/// runs it. Where no other node can serve (`alone`) that node is certainly dead.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &Pool, now: Instant, node: Uuid, alone: bool) -> Result<Gap, DbErr> {
    let Some(row) = open(db).await? else { return Ok(Gap::Nothing) };
    let over = row.claimed_at.is_none_or(|at| now - at > CLAIM_OVER || now < at);
    if !over && !alone && row.claimed_by != Some(node) {
        return Ok(Gap::Elsewhere);
    }
    let next = outage::Model {
        up_at: now.max(row.up_at),
        claimed_by: Some(node),
        claimed_at: Some(now),
        ..row.clone()
    };
    let mine = change(db, &row, &next).await?;
    Ok(if mine { Gap::Ours(next) } else { Gap::Elsewhere })
}

/// Renews a node's claim on a recovery, with the number of orders done; `up`: a later end of the
/// outage. False when another node took it over.
///
/// # Errors
/// When the database fails.
pub async fn renew(
    db: &Pool,
    row: &mut outage::Model,
    touched: usize,
    now: Instant,
    (up, recovered_at): (Option<Instant>, Option<Instant>),
) -> Result<bool, DbErr> {
    let next = outage::Model {
        up_at: up.unwrap_or(row.up_at),
        touched: i64::try_from(touched).unwrap_or(i64::MAX),
        claimed_at: Some(now),
        recovered_at,
        ..row.clone()
    };
    let mine = change(db, row, &next).await?;
    *row = next;
    Ok(mine)
}

/// Renews a claim, with a later end of the outage or with the subjects that were changed; false
/// when another node took it over.
///
/// # Errors
/// When the database fails.
async fn change(db: &Pool, old: &outage::Model, new: &outage::Model) -> Result<bool, DbErr> {
    use outage::Column::{ClaimedAt, ClaimedBy, Id, RecoveredAt, Touched, UpAt};
    let claimed = old.claimed_at.map_or_else(|| ClaimedAt.is_null(), |at| ClaimedAt.eq(at));
    let done = outage::Entity::update_many()
        .col_expr(UpAt, Expr::value(new.up_at))
        .col_expr(Touched, Expr::value(new.touched))
        .col_expr(ClaimedBy, Expr::value(new.claimed_by))
        .col_expr(ClaimedAt, Expr::value(new.claimed_at))
        .col_expr(RecoveredAt, Expr::value(new.recovered_at))
        .filter(Id.eq(old.id))
        .filter(RecoveredAt.is_null())
        .filter(claimed)
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// An id in the order of time that two nodes derive alike.
fn named(down: Instant) -> OutageId {
    let millis = u64::try_from(down.timestamp_millis()).unwrap_or(0);
    let mut rest = [0; 10];
    let micros = down.timestamp_micros().to_be_bytes();
    for (to, from) in rest.iter_mut().zip(micros.into_iter().chain(MARK)) {
        *to = from;
    }
    OutageId(uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// OUT-1: the same moment has the same id, a microsecond later another, and later ones sort
    /// after.
    #[test]
    fn out_1_one_outage_has_one_name() {
        let at =
            |micros: i64| DateTime::from_timestamp_micros(1_795_000_000_000_000 + micros).unwrap();
        assert_eq!(named(at(0)), named(at(0)));
        assert_ne!(named(at(0)), named(at(1)));
        assert!(named(at(0)).0 < named(at(1_000)).0);
    }
}
