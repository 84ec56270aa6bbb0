//! A branch's calendar: quick and booked orders, pending moves and blocks together, by bay, in its
//! local days (PAN-1, BK-12). All of it is read in one snapshot.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use entity::order::{self, BayAllocation, Model, OrderKind, OrderStatus, OrderedService, Proposed};
use entity::value::{BayId, BlockId, Instant, OrderId, PartnerId, SealedField, Span};
use entity::{bay, bay_block, partner};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::orders::parties::CarOf;
use crate::orders::{capacity, parties, price};
use crate::partners::Refusal;
use crate::partners::capacity::blocks;
use crate::partners::capacity::plan::{Plan, Plans};
use platform::db::Db;
use platform::db::readable;
use platform::{CommandError, ReadSnapshot};

/// Maximum orders, and blocks, of one answer; a week of any branch is far below.
const ROWS_MAX: u64 = 5_000;

/// The part of the calendar to read.
#[derive(Clone, Copy, Debug)]
pub struct CalendarRange {
    /// The branch.
    pub partner_id: PartnerId,
    /// The day, or a day of the week.
    pub date: NaiveDate,
    /// The whole week, from its Monday on.
    pub week: bool,
    /// Only this bay.
    pub bay_id: Option<BayId>,
}

/// A part of the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalendarView {
    /// The branch's IANA zone.
    pub zone: String,
    /// The first instant shown.
    pub from: DateTime<Utc>,
    /// The end of the time shown, exclusive.
    pub until: DateTime<Utc>,
    /// Its local days.
    pub days: Vec<DayView>,
    /// The bays in use, and others that are occupied in this time, by name.
    pub bays: Vec<BayColumn>,
    /// Orders of this time without a bay.
    pub unassigned: Vec<Entry>,
    /// Whether rows beyond the limit were omitted.
    pub cut: bool,
}

/// One local day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The date.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
    /// The opening hours.
    pub open: Vec<OpenSpan>,
}

/// A span of opening hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenSpan {
    /// The start.
    pub from: DateTime<Utc>,
    /// The end, exclusive.
    pub until: DateTime<Utc>,
}

/// A bay and its entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BayColumn {
    /// The bay.
    pub id: BayId,
    /// The name staff use.
    pub name: String,
    /// The kind of work it can serve.
    pub kind: String,
    /// Whether it is in use.
    pub active: bool,
    /// Its entries, by time.
    pub entries: Vec<Entry>,
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A quick order.
    Quick,
    /// A booking.
    Booking,
    /// The target of a booking's pending move (BK-8).
    Proposal,
    /// A block (BK-13).
    Block,
}

/// One entry of the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its kind.
    pub kind: EntryKind,
    /// The order; of a proposal, the one to be moved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_id: Option<OrderId>,
    /// The block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block_id: Option<BlockId>,
    /// The order's short code, read aloud by people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// The order's status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<OrderStatus>,
    /// The order's version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<i64>,
    /// The start of the visit, as currently known.
    pub starts_at: DateTime<Utc>,
    /// The end of the visit.
    pub ends_at: DateTime<Utc>,
    /// The start of the bay's occupancy.
    pub taken_from: Option<DateTime<Utc>>,
    /// The end of the bay's occupancy, the buffer after the visit included.
    pub taken_until: Option<DateTime<Utc>>,
    /// The car.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub car: Option<CarOf>,
    /// The client's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_name: Option<SealedField>,
    /// The services.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub services: Vec<OrderedService>,
    /// Accepted although no bay was free (BK-10).
    pub overbooked: bool,
    /// The reason of the block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// A part of the order cannot be read: fields shown may be blank.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unreadable: bool,
}

/// Reads a part of the calendar from one snapshot.
///
/// # Errors
/// `no_such_partner`, `no_such_bay`, or a fault.
pub async fn calendar(
    db: &Db,
    plans: Arc<Plans>,
    wanted: CalendarRange,
) -> Result<CalendarView, CommandError> {
    db.snapshot(async move |moment: ReadSnapshot| at_moment(&moment, &plans, &wanted).await).await
}

async fn at_moment<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &CalendarRange,
) -> Result<CalendarView, CommandError> {
    let id = wanted.partner_id;
    let partner = partner::Entity::find_by_id(id).all(db).await?.pop();
    let plan = plans.of(db, &partner.ok_or(Refusal::NoSuchPartner)?).await?;
    let bays = bay::Entity::find().filter(bay::Column::PartnerId.eq(id));
    let mut bays = readable::all(db, bays).await?.rows;
    if let Some(named) = wanted.bay_id {
        bays.retain(|bay| bay.id == named);
        if bays.is_empty() {
            return Err(Refusal::NoSuchBay.into());
        }
    }
    bays.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let days = days(wanted);
    let (from, until) = (days.first(), days.last());
    let from = plan.calendar.day(from.copied().unwrap_or(wanted.date)).from;
    let until = plan.calendar.day(until.copied().unwrap_or(wanted.date)).until;
    let shown = Span { from, until };
    let orders = orders(db, id, shown).await?;
    let blocks = readable::all(db, blocks::standing(id, shown).limit(ROWS_MAX)).await?.rows;
    let full = |rows: usize| u64::try_from(rows).is_ok_and(|rows| rows >= ROWS_MAX);
    let cut = full(orders.len()) || full(blocks.len());
    let (columns, unassigned) = sorted_in(bays, &orders, blocks, shown, wanted.bay_id.is_some());
    Ok(CalendarView {
        zone: plan.calendar.zone.name().to_owned(),
        from,
        until,
        days: days.into_iter().map(|date| day(&plan, date)).collect(),
        bays: columns,
        unassigned,
        cut,
    })
}

/// The dates shown.
fn days(wanted: &CalendarRange) -> Vec<NaiveDate> {
    if !wanted.week {
        return vec![wanted.date];
    }
    let since_monday = Days::new(wanted.date.weekday().num_days_from_monday().into());
    let monday = wanted.date.checked_sub_days(since_monday).unwrap_or(wanted.date);
    monday.iter_days().take(7).collect()
}

fn day(plan: &Plan, date: NaiveDate) -> DayView {
    let open = plan.calendar.open(plan.calendar.day(date)).into_iter();
    DayView { date, open: open.map(|s| OpenSpan { from: s.from, until: s.until }).collect() }
}

/// Open orders that may lie in this time, and those served in it, whenever they were closed.
async fn orders<C: ConnectionTrait>(
    db: &C,
    id: PartnerId,
    shown: Span,
) -> Result<Vec<Model>, CommandError> {
    let open = [
        OrderStatus::Requested,
        OrderStatus::Confirmed,
        OrderStatus::OnTheWay,
        OrderStatus::Active,
    ];
    let held = Condition::all()
        .add(order::Column::TakenFrom.lt(shown.until))
        .add(order::Column::TakenUntil.gt(shown.from));
    let may_lie = Condition::any()
        .add(held)
        .add(order::Column::TakenFrom.is_null())
        .add(order::Column::Proposal.is_not_null());
    let open = Condition::all().add(order::Column::Status.is_in(open)).add(may_lie);
    let booked = Condition::all()
        .add(order::Column::StartsAt.lt(shown.until))
        .add(order::Column::EndsAt.gt(shown.from));
    let quick = Condition::all()
        .add(order::Column::StartsAt.is_null())
        .add(order::Column::PlacedAt.lt(shown.until))
        .add(order::Column::CompletedAt.gte(shown.from));
    let completed = Condition::all()
        .add(order::Column::Status.eq(OrderStatus::Completed))
        .add(Condition::any().add(booked).add(quick));
    let rows = order::Entity::find()
        .filter(order::Column::PartnerId.eq(id))
        .filter(Condition::any().add(open).add(completed))
        .order_by_desc(order::Column::Id)
        .limit(ROWS_MAX);
    Ok(readable::partly(db, rows).await?)
}

/// Sorts entries into bay columns; those without a bay apart, unless one bay is shown.
fn sorted_in(
    bays: Vec<bay::Model>,
    orders: &[Model],
    blocks: Vec<bay_block::Model>,
    shown: Span,
    one_bay: bool,
) -> (Vec<BayColumn>, Vec<Entry>) {
    let column = |bay: bay::Model| BayColumn {
        id: bay.id,
        name: bay.name,
        kind: bay.kind,
        active: bay.active,
        entries: Vec::new(),
    };
    let mut columns: Vec<BayColumn> = bays.into_iter().map(column).collect();
    let mut unassigned = Vec::new();
    let entries = orders.iter().flat_map(entries);
    let blocked = blocks.into_iter().map(|block| (Some(block.bay_id), blocked(block)));
    for (bay_id, entry) in entries.chain(blocked).filter(|(_, entry)| lies_in(entry, shown)) {
        match bay_id {
            None => unassigned.push(entry),
            Some(id) => {
                columns
                    .iter_mut()
                    .filter(|c| c.id == id)
                    .for_each(|c| c.entries.push(entry.clone()));
            }
        }
    }
    columns.retain(|column| one_bay || column.active || !column.entries.is_empty());
    let by_time = |a: &Entry, b: &Entry| (a.starts_at, a.order_id).cmp(&(b.starts_at, b.order_id));
    for column in &mut columns {
        column.entries.sort_by(by_time);
    }
    unassigned.sort_by(by_time);
    if one_bay {
        unassigned.clear();
    }
    (columns, unassigned)
}

/// Does the entry overlap the time shown: by its bay's occupancy while it has one, by the visit
/// itself once it has ended?
fn lies_in(entry: &Entry, shown: Span) -> bool {
    let over = entry.status == Some(OrderStatus::Completed);
    let from = entry.taken_from.filter(|_| !over).unwrap_or(entry.starts_at);
    let until = entry.taken_until.filter(|_| !over).unwrap_or(entry.ends_at);
    // A visit closed at the instant of its admission has no length.
    from < shown.until && (shown.from < until || shown.from == from)
}

/// The entries of an order: its own, and that of a pending move.
fn entries(order: &Model) -> Vec<(Option<BayId>, Entry)> {
    let place = capacity::place(order).filter(|_| !order.overbooked);
    let kind = match order.kind {
        OrderKind::Quick => EntryKind::Quick,
        OrderKind::Booking => EntryKind::Booking,
    };
    let mut entries = vec![(place.map(|p| p.bay_id), entry(order, kind, visit(order), place))];
    let proposed = order.proposal.as_ref().map(|proposal| &proposal.what);
    if let Some(Proposed::Reschedule { starts_at, ends_at, place, .. }) = proposed {
        let visit = Span { from: *starts_at, until: *ends_at };
        let entry = entry(order, EntryKind::Proposal, visit, Some(*place));
        entries.push((Some(place.bay_id), entry));
    }
    entries
}

/// The time of the visit as currently known: as booked, or from the expected or actual arrival.
#[must_use]
pub fn visit(order: &Model) -> Span {
    if let (Some(from), Some(until)) = (order.starts_at, order.ends_at) {
        return Span { from, until };
    }
    let come = order.admitted_at.or(order.taken_from).or(order.eta_at);
    let route = chrono::TimeDelta::seconds(order.snapshot.route_secs);
    let from: Instant = come.unwrap_or(order.placed_at + route);
    let planned = price::visit(&order.snapshot.lines).serving(from).until;
    Span { from, until: order.completed_at.or(order.planned_end).unwrap_or(planned).max(from) }
}

fn entry(order: &Model, kind: EntryKind, visit: Span, place: Option<BayAllocation>) -> Entry {
    Entry {
        kind,
        order_id: Some(order.id),
        block_id: None,
        code: Some(order.code.clone()),
        status: Some(order.status),
        version: Some(order.version),
        starts_at: visit.from,
        ends_at: visit.until,
        taken_from: place.map(|place| place.from),
        taken_until: place.map(|place| place.until),
        car: Some(CarOf {
            id: order.car_id,
            plate: parties::plate(order),
            make: order.snapshot.car_make.clone(),
            class: order.car_class,
        }),
        client_name: parties::client_name(order),
        services: order.snapshot.lines.clone(),
        overbooked: order.overbooked,
        note: None,
        unreadable: order.unreadable.is_some(),
    }
}

fn blocked(block: bay_block::Model) -> Entry {
    Entry {
        kind: EntryKind::Block,
        order_id: None,
        block_id: Some(block.id),
        code: None,
        status: None,
        version: None,
        starts_at: block.starts_at,
        ends_at: block.ends_at,
        taken_from: Some(block.starts_at),
        taken_until: Some(block.ends_at),
        car: None,
        client_name: None,
        services: Vec::new(),
        overbooked: false,
        note: Some(block.note),
        unreadable: false,
    }
}
