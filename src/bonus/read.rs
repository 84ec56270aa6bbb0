//! Bonus as it is read: an owner's queue, lots of one grant.

use chrono::{DateTime, Utc};
use entity::lot::{self, LotSource, LotState};
use entity::posting;
use entity::value::{Instant, LotId, Money};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Owner;
use super::queue::{Queue, live};
use crate::ledger::chart;
use crate::platform::Stop;
use crate::platform::page::{Page, PageQuery};

/// Lots of one queue, or of one grant, at most.
const LOTS_MAX: u64 = 1_000;

/// A lot as its owner and support see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    /// The lot.
    pub id: LotId,
    /// The grant it stems from.
    pub root: LotId,
    /// Why there is one.
    pub source: LotSource,
    /// What came in.
    pub amount: Money,
    /// What can be spent.
    pub free: Money,
    /// What open orders hold of it.
    pub pinned: Money,
    /// Where it stands.
    pub state: LotState,
    /// When it expires, while its clock runs; when it did, or would have, once it is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// The lifetime it will have once its clock runs, seconds.
    pub life_secs: Option<i64>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// For people.
    pub note: String,
}

/// An owner's bonus: the queue, first to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BonusView {
    /// What can be spent now.
    pub usable: Money,
    /// What open orders hold.
    pub pinned: Money,
    /// The queue.
    pub lots: Vec<LotView>,
}

/// A lot as it is shown.
#[must_use]
pub fn view(lot: &lot::Model) -> LotView {
    let waits = lot.state == LotState::Queued;
    LotView {
        id: lot.id,
        root: lot.root,
        source: lot.source,
        amount: lot.amount,
        free: lot.free,
        pinned: lot.pinned,
        state: lot.state,
        expires_at: lot.expires_at,
        life_secs: waits.then_some(lot.life_us / 1_000_000),
        created_at: lot.created_at,
        note: lot.note.clone(),
    }
}

/// An owner's bonus at this instant.
///
/// # Errors
/// When the database fails.
pub async fn bonus<C: ConnectionTrait>(
    db: &C,
    owner: Owner,
    now: Instant,
) -> Result<BonusView, Stop> {
    let rows = lot::Entity::find()
        .filter(lot::Column::Owner.eq(owner.id()))
        .filter(lot::Column::State.is_in([LotState::Queued, LotState::Running]))
        .limit(LOTS_MAX)
        .all(db)
        .await?;
    let pinned = lot::Entity::find()
        .filter(lot::Column::Owner.eq(owner.id()))
        .filter(lot::Column::Pinned.gt(0))
        .limit(LOTS_MAX)
        .all(db)
        .await?;
    let mut queue = Queue::of(rows);
    queue.settle(now);
    Ok(BonusView {
        usable: queue.usable(),
        pinned: Money(pinned.iter().map(|lot| lot.pinned.0).sum()),
        lots: queue.lots().iter().filter(|lot| live(lot)).map(view).collect(),
    })
}

/// All lots an owner ever had, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    owner: Owner,
    query: &PageQuery,
) -> Result<Page<LotView>, Stop> {
    let mut rows = lot::Entity::find()
        .filter(lot::Column::Owner.eq(owner.id()))
        .order_by_desc(lot::Column::Id)
        .limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(lot::Column::Id.lt(LotId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row)).await?)
}

/// The lot of a grant and all that came back of it.
///
/// # Errors
/// When the database fails.
pub async fn family<C: ConnectionTrait>(db: &C, root: LotId) -> Result<Vec<lot::Model>, Stop> {
    let rows = lot::Entity::find().filter(lot::Column::Root.eq(root)).limit(LOTS_MAX);
    Ok(rows.all(db).await?)
}

/// How much of these lots was taken back.
///
/// # Errors
/// When the database fails.
pub async fn revoked<C: ConnectionTrait>(db: &C, lots: &[lot::Model]) -> Result<Money, Stop> {
    let rows = posting::Entity::find()
        .filter(posting::Column::LotId.is_in(lots.iter().map(|lot| lot.id)))
        .filter(posting::Column::Kind.eq("bonus_revoked"));
    Ok(Money(rows.all(db).await?.iter().map(|row| row.amount.0).sum()))
}

/// Has any of these lots paid for anything, or is a part of one held?
///
/// # Errors
/// When the database fails.
pub async fn spent<C: ConnectionTrait>(db: &C, lots: &[lot::Model]) -> Result<bool, Stop> {
    if lots.iter().any(|lot| lot.pinned.is_positive()) {
        return Ok(true);
    }
    let accounts: Vec<String> = lots.iter().map(|lot| chart::lot(lot.id)).collect();
    // What leaves a lot goes to the operator's bonus, to another lot, or is spent.
    let paid = posting::Entity::find()
        .filter(posting::Column::Debit.is_in(accounts.clone()))
        .filter(posting::Column::Credit.ne(chart::BONUS))
        .filter(posting::Column::Credit.is_not_in(accounts))
        .count(db)
        .await?;
    Ok(paid > 0)
}
