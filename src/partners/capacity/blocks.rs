//! Blocks: times in which staff close a bay, for walk-ins or repairs (BK-13). A block holds
//! occupancy under its own id, as a visit does, so the database keeps the two apart (BK-2).

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::{CommandName, EventKind};
use entity::value::{Actor, BayId, BlockId, EventId, Instant, OrderId, PartnerId, Span};
use entity::{bay, bay_block, occupancy, order};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::slots::{TICK_SECS, Ticks, ticks};
use crate::context::{Context, Tx};
use crate::partners::profile::register::TEXT_MAX;
use crate::partners::profile::services::raise;
use crate::partners::{Refusal, limits};
use platform::db::readable;
use platform::engine::write_set::{OccupancyClaim, Unique};
use platform::page::{Page, PageQuery};
use platform::{Audience, Command, CommandError, Refused, all_right};

/// The longest block, occupancy cells: 31 days.
const LONG_MAX_TICKS: i64 = 31 * 24 * 3600 / TICK_SECS;
/// A block must end within so many days.
const AHEAD_MAX_DAYS: i64 = 731;

/// A block as shown to staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// The block.
    pub id: BlockId,
    /// The bay.
    pub bay_id: BayId,
    /// The start.
    pub starts_at: DateTime<Utc>,
    /// The end, exclusive.
    pub ends_at: DateTime<Utc>,
    /// The reason.
    pub note: String,
}

impl From<bay_block::Model> for BlockView {
    fn from(row: bay_block::Model) -> Self {
        Self {
            id: row.id,
            bay_id: row.bay_id,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            note: row.note,
        }
    }
}

/// The event emitted to the branch.
#[derive(Serialize)]
struct BlockEvent<'a> {
    block: &'a BlockView,
    removed: bool,
    actor: By,
}

#[derive(Serialize)]
struct By {
    kind: Actor,
}

/// Emits it to the branch; its feed counter also serialises commands that occupy its bays.
fn emit(
    tx: &mut Tx,
    partner_id: PartnerId,
    block: &BlockView,
    removed: bool,
) -> Result<(), CommandError> {
    let told = BlockEvent { block, removed, actor: By { kind: tx.by().actor } };
    let audience = Audience::Branch(partner_id);
    tx.emit(&audience, EventKind::CalendarChanged, None, EventId::new(), &told)
}

fn claim(row: &bay_block::Model) -> OccupancyClaim {
    let Ticks { from, until } = ticks(Span { from: row.starts_at, until: row.ends_at });
    OccupancyClaim { resource: row.bay_id.0, from, until, holder: row.id.0 }
}

/// Closes a bay for a time; the ends are rounded outward to whole occupancy cells.
pub struct AddBlock {
    /// The branch.
    pub partner_id: PartnerId,
    /// The bay.
    pub bay_id: BayId,
    /// The start.
    pub starts_at: Instant,
    /// The end.
    pub ends_at: Instant,
    /// The reason.
    pub note: String,
}

impl Command<Context> for AddBlock {
    type Answer = BlockView;
    const NAME: CommandName = CommandName::AddBlock;

    async fn run(&self, tx: &mut Tx) -> Result<BlockView, CommandError> {
        let Span { from, until } = self.rounded(tx.now())?;
        let bay = tx.find::<bay::Entity>(self.bay_id).await?;
        let bay = bay.filter(|bay| bay.partner_id == self.partner_id);
        let bay = bay.ok_or(Refusal::NoSuchBay)?;
        raise(tx, self.partner_id).await?;
        limits::one_more_block(tx, self.partner_id).await?;
        let row = bay_block::Model {
            id: BlockId::new(),
            partner_id: self.partner_id,
            bay_id: bay.id,
            starts_at: from,
            ends_at: until,
            note: self.note.clone(),
            created_at: tx.now(),
            removed_at: None,
            version: 1,
        };
        let claim = claim(&row);
        if !tx.first_run() {
            // The database refused a cell: find its holder.
            in_the_way(tx, &claim).await?;
        }
        tx.insert(row.clone());
        tx.take(claim);
        tx.unique(Unique {
            name: "occupancy_pkey",
            columns: "occupancy.resource, occupancy.n",
            refusal: Refusal::BayTaken.refused(),
            choose_again: true,
        });
        let block = BlockView::from(row);
        emit(tx, self.partner_id, &block, false)?;
        Ok(block)
    }
}

impl AddBlock {
    /// The whole cells it touches, if its times are valid.
    fn rounded(&self, now: Instant) -> Result<Span, Refused> {
        let last = now + TimeDelta::days(AHEAD_MAX_DAYS);
        let Ticks { from, until } = ticks(Span { from: self.starts_at, until: self.ends_at });
        let short = until.checked_sub(from).is_some_and(|long| long <= LONG_MAX_TICKS);
        let ends = self.starts_at < self.ends_at && now < self.ends_at && self.ends_at <= last;
        let long = self.note.chars().count() > TEXT_MAX;
        all_right(Refusal::BlockInvalid, &[("/ends_at", !ends || !short), ("/note", long)])?;
        let at = |n: i64| Instant::from_timestamp(n.checked_mul(TICK_SECS)?, 0);
        let span = at(from).zip(at(until)).map(|(from, until)| Span { from, until });
        span.ok_or_else(|| Refusal::BlockInvalid.refused().at("/starts_at"))
    }
}

/// An order that conflicts with a block.
#[derive(Serialize)]
struct OrderInTheWay {
    order_id: OrderId,
    code: String,
    kind: order::OrderKind,
    status: order::OrderStatus,
    from: Option<Instant>,
    until: Option<Instant>,
}

/// Refuses with the order that holds a cell of the claim.
async fn in_the_way(tx: &Tx, claim: &OccupancyClaim) -> Result<(), CommandError> {
    let runs: Vec<(Uuid, i64, i64)> = occupancy::Entity::find()
        .select_only()
        .column(occupancy::Column::Holder)
        .column_as(occupancy::Column::N.min(), "first")
        .column_as(occupancy::Column::N.max(), "last")
        .filter(occupancy::Column::Resource.eq(claim.resource))
        .filter(occupancy::Column::N.gte(claim.from))
        .filter(occupancy::Column::N.lt(claim.until))
        .group_by(occupancy::Column::Holder)
        .into_tuple()
        .all(tx.db())
        .await?;
    if runs.is_empty() {
        return Ok(());
    }
    let holders = || runs.iter().map(|(holder, ..)| *holder);
    let orders = order::Entity::find().filter(order::Column::Id.is_in(holders()));
    let blocks = bay_block::Entity::find().filter(bay_block::Column::Id.is_in(holders()));
    let orders = orders.order_by_asc(order::Column::TakenFrom);
    let orders = readable::partly(tx.db(), orders).await?;
    let blocks = blocks.order_by_asc(bay_block::Column::StartsAt).all(tx.db()).await?;
    let part = |id: Uuid| runs.iter().find(|(holder, ..)| *holder == id);
    let at = |n: i64| Instant::from_timestamp(n.saturating_mul(TICK_SECS), 0);
    let shown = |order: order::Model| OrderInTheWay {
        from: part(order.id.0).and_then(|(_, first, _)| at(*first)),
        until: part(order.id.0).and_then(|(_, _, last)| at(last.saturating_add(1))),
        order_id: order.id,
        code: order.code,
        kind: order.kind,
        status: order.status,
    };
    let orders: Vec<OrderInTheWay> = orders.into_iter().map(shown).collect();
    let blocks: Vec<BlockView> = blocks.into_iter().map(BlockView::from).collect();
    let refused: Refused = Refusal::BayTaken.refused();
    Err(refused.with("orders", orders).with("blocks", blocks).into())
}

/// Removes a block, which opens the bay again.
pub struct RemoveBlock {
    /// The branch.
    pub partner_id: PartnerId,
    /// The block.
    pub block_id: BlockId,
}

impl Command<Context> for RemoveBlock {
    type Answer = ();
    const NAME: CommandName = CommandName::RemoveBlock;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let old = tx.find::<bay_block::Entity>(self.block_id).await?;
        let old = old.filter(|b| b.partner_id == self.partner_id && b.removed_at.is_none());
        let old = old.ok_or(Refusal::NoSuchBlock)?;
        tx.update(&old, &bay_block::Model { removed_at: Some(tx.now()), ..old.clone() });
        tx.free(claim(&old));
        emit(tx, self.partner_id, &BlockView::from(old), true)
    }
}

/// A page of the blocks that stand in a span, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    span: Span,
    query: &PageQuery,
) -> Result<Page<BlockView>, CommandError> {
    let mut rows =
        standing(partner_id, span).order_by_desc(bay_block::Column::Id).limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(bay_block::Column::Id.lt(BlockId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, BlockView::from).await?)
}

/// The blocks of a branch that stand in a span.
#[must_use]
pub fn standing(partner_id: PartnerId, span: Span) -> sea_orm::Select<bay_block::Entity> {
    bay_block::Entity::find()
        .filter(bay_block::Column::PartnerId.eq(partner_id))
        .filter(bay_block::Column::EndsAt.gt(span.from))
        .filter(bay_block::Column::StartsAt.lt(span.until))
        .filter(bay_block::Column::RemovedAt.is_null())
}
