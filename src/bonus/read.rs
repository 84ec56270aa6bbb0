//! The reads of bonus: an owner's queue, and the lots of one grant.

use chrono::{DateTime, Utc};
use entity::kinds::PostingKind;
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
use platform::CommandError;
use platform::page::{Page, PageQuery};

/// Maximum number of lots of one queue or grant.
const LOTS_MAX: u64 = 1_000;

/// The SQL of the usable bonus of the owner `$1` at the instant `$2`.
pub const USABLE: &str = "coalesce((SELECT sum(l.free) FROM lot l WHERE l.owner = $1 AND \
    (l.state = 'queued' OR (l.state = 'running' AND l.expires_at >= $2))), 0)";

/// A lot as its owner and support see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    /// The lot.
    pub id: LotId,
    /// The grant it comes from.
    pub root: LotId,
    /// The source of the lot.
    pub source: LotSource,
    /// The original amount.
    pub amount: Money,
    /// The amount that can be spent.
    pub free: Money,
    /// The amount that open orders hold.
    pub pinned: Money,
    /// The state of the lot.
    pub state: LotState,
    /// When it expires, while its lifetime runs; when it did, or would have, once it has ended.
    pub expires_at: Option<DateTime<Utc>>,
    /// The lifetime it will have as the head, in seconds.
    pub life_secs: Option<i64>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// A note for people.
    pub note: String,
}

/// An owner's bonus: the queue, first to last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BonusView {
    /// The amount that can be spent now.
    pub usable: Money,
    /// The amount that open orders hold.
    pub pinned: Money,
    /// The queue.
    pub lots: Vec<LotView>,
}

/// The view of a lot.
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
) -> Result<BonusView, CommandError> {
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

/// A page of all lots an owner ever had, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    owner: Owner,
    query: &PageQuery,
) -> Result<Page<LotView>, CommandError> {
    let mut rows = lot::Entity::find()
        .filter(lot::Column::Owner.eq(owner.id()))
        .order_by_desc(lot::Column::Id)
        .limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(lot::Column::Id.lt(LotId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row)).await?)
}

/// The lot of a grant and all lots that returned from it.
///
/// # Errors
/// When the database fails.
pub async fn family<C: ConnectionTrait>(
    db: &C,
    root: LotId,
) -> Result<Vec<lot::Model>, CommandError> {
    let rows = lot::Entity::find().filter(lot::Column::Root.eq(root)).limit(LOTS_MAX);
    Ok(rows.all(db).await?)
}

/// The amount of these lots that was revoked.
///
/// # Errors
/// When the database fails.
pub async fn revoked<C: ConnectionTrait>(
    db: &C,
    lots: &[lot::Model],
) -> Result<Money, CommandError> {
    let rows = posting::Entity::find()
        .filter(posting::Column::LotId.is_in(lots.iter().map(|lot| lot.id)))
        .filter(posting::Column::Kind.eq(PostingKind::BonusRevoked));
    Ok(Money(rows.all(db).await?.iter().map(|row| row.amount.0).sum()))
}

/// Whether any of these lots has paid for anything or is partly held.
///
/// # Errors
/// When the database fails.
pub async fn spent<C: ConnectionTrait>(db: &C, lots: &[lot::Model]) -> Result<bool, CommandError> {
    if lots.iter().any(|lot| lot.pinned.is_positive()) {
        return Ok(true);
    }
    let accounts: Vec<String> = lots.iter().map(|lot| chart::lot(lot.id)).collect();
    // A lot's debits go to the operator's bonus or to another lot; all others are spending.
    let paid = posting::Entity::find()
        .filter(posting::Column::Debit.is_in(accounts.clone()))
        .filter(posting::Column::Credit.ne(chart::BONUS))
        .filter(posting::Column::Credit.is_not_in(accounts))
        .count(db)
        .await?;
    Ok(paid > 0)
}
