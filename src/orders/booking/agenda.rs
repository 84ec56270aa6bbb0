//! A branch's calendar for other programs: every visit and block of the last month and up to the
//! horizon, including cancelled ones, without names, numbers or plates (PAN-1, ACC-5).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::order::{self, Model, OrderStatus};
use entity::partly::Partly;
use entity::value::{BayId, Instant, PartnerId, Span};
use entity::{bay, bay_block, partner};
use sea_orm::sea_query::{Expr, Func, Order, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::calendar::visit;
use crate::partners::Refusal;
use crate::policy::Policy;
use platform::db::Db;
use platform::db::readable;
use platform::{CommandError, ReadSnapshot};

/// How far back the agenda reaches, days.
const BACK_DAYS: i64 = 30;
/// Maximum visits, and blocks, in one agenda: upcoming ones first, then the most recent.
const ROWS_MAX: u64 = 5_000;

/// A branch's agenda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agenda {
    /// The branch's name as shown to clients.
    pub name: String,
    /// Sorted by time.
    pub items: Vec<Item>,
}

/// One visit or block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The id of the order or block.
    pub id: Uuid,
    /// The version; raised by every change.
    pub version: i64,
    /// When it last changed.
    pub changed_at: Instant,
    /// Its time.
    pub span: Span,
    /// Whether it is pending, agreed or cancelled.
    pub standing: ItemState,
    /// The bay.
    pub bay: Option<String>,
    /// The kind of item.
    pub what: ItemKind,
}

/// The state of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Not answered yet.
    Asked,
    /// Agreed, or served.
    Agreed,
    /// Cancelled.
    Gone,
}

/// The kind of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// An order.
    Visit {
        /// The order's short code, read aloud by people.
        code: String,
        /// The names of its services.
        services: Vec<String>,
        /// The car's make.
        car_make: String,
        /// A part of the order cannot be read.
        unreadable: bool,
    },
    /// A block; its note may name somebody and is not exported.
    Block,
}

/// Reads a branch's agenda from one snapshot.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn agenda(
    db: &Db,
    id: PartnerId,
    policy: &Policy,
    now: Instant,
) -> Result<Agenda, CommandError> {
    let span = Span {
        from: now - TimeDelta::days(BACK_DAYS),
        until: now + TimeDelta::days(policy.booking.horizon_days),
    };
    db.snapshot(async move |moment: ReadSnapshot| at_moment(&moment, id, span, now).await).await
}

async fn at_moment<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
    span: Span,
    now: Instant,
) -> Result<Agenda, CommandError> {
    let partner = partner::Entity::find_by_id(id).all(db).await?.pop();
    let name = partner.ok_or(Refusal::NoSuchPartner)?.name;
    let bays = bay::Entity::find().filter(bay::Column::PartnerId.eq(id)).all(db).await?;
    let bays: BTreeMap<BayId, String> = bays.into_iter().map(|bay| (bay.id, bay.name)).collect();
    let booked = Condition::all()
        .add(order::Column::StartsAt.lt(span.until))
        .add(order::Column::EndsAt.gt(span.from));
    let taken = Condition::all()
        .add(order::Column::TakenFrom.lt(span.until))
        .add(order::Column::TakenUntil.gt(span.from));
    // A quick order without a bay: the branch has no bays, or it was overbooked on purpose.
    let quick = Condition::all()
        .add(order::Column::StartsAt.is_null())
        .add(order::Column::TakenFrom.is_null())
        .add(order::Column::AcceptedAt.gt(span.from));
    let visits = order::Entity::find()
        .filter(order::Column::PartnerId.eq(id))
        .filter(Condition::any().add(booked).add(taken).add(quick));
    let begins = [
        order::Column::StartsAt,
        order::Column::TakenFrom,
        order::Column::EtaAt,
        order::Column::AcceptedAt,
    ];
    let begins = Func::coalesce(begins.map(Expr::col)).into();
    let visits = nearest(db, visits, &begins, now).await?;
    let blocks = bay_block::Entity::find()
        .filter(bay_block::Column::PartnerId.eq(id))
        .filter(bay_block::Column::EndsAt.gt(span.from))
        .filter(bay_block::Column::StartsAt.lt(span.until));
    let blocks = nearest(db, blocks, &Expr::col(bay_block::Column::StartsAt), now).await?;
    let visits = visits.into_iter().map(|order| visited(order, &bays));
    let blocks = blocks.iter().map(|block| blocked(block, &bays));
    let mut items: Vec<Item> = visits.chain(blocks).collect();
    items.sort_by_key(|item| (item.span.from, item.id));
    Ok(Agenda { name, items })
}

/// The rows that begin nearest to now: upcoming ones before past ones.
async fn nearest<C: ConnectionTrait, E: Partly>(
    db: &C,
    rows: Select<E>,
    begins: &SimpleExpr,
    now: Instant,
) -> Result<Vec<E::Model>, CommandError> {
    let coming = rows.clone().filter(begins.clone().gte(now));
    let coming = coming.order_by(begins.clone(), Order::Asc).limit(ROWS_MAX);
    let mut found = readable::partly(db, coming).await?;
    let left = ROWS_MAX.saturating_sub(u64::try_from(found.len()).unwrap_or(ROWS_MAX));
    let past = rows.filter(begins.clone().lt(now));
    let past = past.order_by(begins.clone(), Order::Desc).limit(left);
    found.extend(readable::partly(db, past).await?);
    Ok(found)
}

fn visited(order: Model, bays: &BTreeMap<BayId, String>) -> Item {
    Item {
        id: order.id.0,
        version: order.version,
        changed_at: order.updated_at,
        span: visit(&order),
        standing: match order.status {
            OrderStatus::Requested => ItemState::Asked,
            OrderStatus::Confirmed
            | OrderStatus::OnTheWay
            | OrderStatus::Active
            | OrderStatus::Completed => ItemState::Agreed,
            OrderStatus::Cancelled => ItemState::Gone,
        },
        bay: order.bay_id.and_then(|id| bays.get(&id).cloned()),
        what: ItemKind::Visit {
            code: order.code,
            services: order.snapshot.lines.into_iter().map(|line| line.name).collect(),
            car_make: order.snapshot.car_make,
            unreadable: order.unreadable.is_some(),
        },
    }
}

fn blocked(block: &bay_block::Model, bays: &BTreeMap<BayId, String>) -> Item {
    Item {
        id: block.id.0,
        version: block.version,
        changed_at: block.removed_at.unwrap_or(block.created_at),
        span: Span { from: block.starts_at, until: block.ends_at },
        standing: if block.removed_at.is_some() { ItemState::Gone } else { ItemState::Agreed },
        bay: bays.get(&block.bay_id).cloned(),
        what: ItemKind::Block,
    }
}
