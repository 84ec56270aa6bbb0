//! An order whole, for support: its state, its history, its timers, what was told and the money.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::order::OrderStatus;
use entity::penalty::PenaltyState;
use entity::value::{Actor, Money, OrderId, PenaltyId, PersonId, SessionId};
use entity::{delivery, order, order_position, order_step, penalty, posting, timer};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::read::{OrderScope, one};
use super::timers;
use super::view::{OrderView, Viewer};
use crate::ledger::posted::PostingView;
use platform::CommandError;
use platform::db::readable;

/// Rows of one kind at most.
const ROWS_MAX: u64 = 1_000;

/// One change of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Its number within the order.
    n: i64,
    /// When.
    at: DateTime<Utc>,
    /// In which role.
    actor: Actor,
    /// Who.
    person_id: Option<PersonId>,
    /// On which device.
    session_id: Option<SessionId>,
    /// What was done.
    intent: String,
    /// The status before; null at placing.
    from: Option<OrderStatus>,
    /// The status after.
    to: OrderStatus,
    /// What else is recorded of it.
    #[schema(value_type = Value)]
    note: serde_json::Value,
}

/// A wait of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimerView {
    /// What will be done.
    kind: String,
    /// When.
    due_at: DateTime<Utc>,
    /// How often it failed.
    attempts: i32,
    /// When it was given up.
    parked_at: Option<DateTime<Utc>>,
}

/// A position a client's device sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct PositionView {
    /// When it came.
    at: DateTime<Utc>,
    /// Latitude.
    lat: f64,
    /// Longitude.
    lon: f64,
    /// How exactly, metres.
    accuracy_m: i32,
    /// From the branch, metres.
    distance_m: i32,
}

/// What reached a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// What.
    what: String,
    /// Which device.
    session_id: SessionId,
    /// When.
    at: DateTime<Utc>,
}

/// What an order's end cost its client.
#[derive(Debug, Serialize, ToSchema)]
pub struct PenaltyOf {
    /// The penalty.
    id: PenaltyId,
    /// The fee.
    amount: Money,
    /// Paid so far.
    paid: Money,
    /// Where it stands.
    state: PenaltyState,
}

/// An order and everything that is recorded of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderWhole {
    /// The order.
    pub order: OrderView,
    /// Of an order that cannot be read: its columns as the database holds them.
    raw: Option<BTreeMap<String, Option<String>>>,
    /// Its history.
    steps: Vec<StepView>,
    /// What it waits for.
    timers: Vec<TimerView>,
    /// Where its client was.
    positions: Vec<PositionView>,
    /// What reached which device.
    deliveries: Vec<DeliveryView>,
    /// The money it moved.
    postings: Vec<PostingView>,
    /// The penalty it ended with.
    penalties: Vec<PenaltyOf>,
}

/// Reads an order whole, as support sees it (SUP-1).
///
/// # Errors
/// `no_such_order`, or a fault.
pub async fn whole<C: ConnectionTrait>(
    db: &C,
    viewer: &Viewer,
    id: OrderId,
) -> Result<OrderWhole, CommandError> {
    let order = one(db, viewer, OrderScope::Support, id).await?;
    let raw = if order.unreadable {
        Some(readable::raw::<_, order::Entity>(db, id.0).await?)
    } else {
        None
    };
    let deliveries = delivery::Entity::find().filter(delivery::Column::OrderId.eq(id));
    let deliveries = readable::all(db, deliveries).await?.rows;
    let postings = posting::Entity::find().filter(posting::Column::Subject.eq(id.0));
    let postings = readable::all(db, postings).await?.rows;
    let penalties = penalty::Entity::find().filter(penalty::Column::OrderId.eq(id));
    let penalties = readable::all(db, penalties).await?.rows;
    Ok(OrderWhole {
        order,
        raw,
        steps: steps(db, id).await?,
        timers: waits(db, id).await?,
        positions: positions(db, id).await?,
        deliveries: deliveries
            .into_iter()
            .map(|d| DeliveryView { what: d.what, session_id: d.session_id, at: d.at })
            .collect(),
        postings: postings.into_iter().map(PostingView::from).collect(),
        penalties: penalties
            .into_iter()
            .map(|p| PenaltyOf { id: p.id, amount: p.amount, paid: p.paid, state: p.state })
            .collect(),
    })
}

async fn steps<C: ConnectionTrait>(db: &C, id: OrderId) -> Result<Vec<StepView>, CommandError> {
    let rows = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(id))
        .order_by_asc(order_step::Column::N)
        .limit(ROWS_MAX);
    let view = |row: order_step::Model| StepView {
        n: row.n,
        at: row.at,
        actor: row.actor,
        person_id: row.person_id,
        session_id: row.session_id,
        intent: row.intent.to_string(),
        from: row.from_status,
        to: row.to_status,
        note: row.note,
    };
    Ok(rows.all(db).await?.into_iter().map(view).collect())
}

async fn waits<C: ConnectionTrait>(db: &C, id: OrderId) -> Result<Vec<TimerView>, CommandError> {
    let rows = timer::Entity::find()
        .filter(timer::Column::Subject.eq(id.0))
        .filter(timer::Column::Kind.is_in(timers::of_orders()));
    let view = |row: timer::Model| TimerView {
        kind: row.kind.to_string(),
        due_at: row.due_at,
        attempts: row.attempts,
        parked_at: row.parked_at,
    };
    Ok(rows.all(db).await?.into_iter().map(view).collect())
}

async fn positions<C: ConnectionTrait>(
    db: &C,
    id: OrderId,
) -> Result<Vec<PositionView>, CommandError> {
    let rows = order_position::Entity::find()
        .filter(order_position::Column::OrderId.eq(id))
        .order_by_asc(order_position::Column::At)
        .limit(ROWS_MAX);
    let view = |row: order_position::Model| PositionView {
        at: row.at,
        lat: row.lat,
        lon: row.lon,
        accuracy_m: row.accuracy_m,
        distance_m: row.distance_m,
    };
    Ok(rows.all(db).await?.into_iter().map(view).collect())
}
