//! Overruns: a car that occupies its bay for longer than planned. The hold of the bay is extended,
//! and the next visit is warned (BK-10).

use chrono::{DateTime, TimeDelta, Utc};
use entity::order::{self, BayAllocation, Column, Model, OrderKind, OrderStatus};
use entity::value::{BayId, Instant, OrderId, PartnerId, Span};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::lapse::past;
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{Reader, view};
use super::write::{self, Step};
use super::{Refusal, capacity, price, timers};
use crate::partners::availability::free_until;
use crate::platform::{Audience, Command, CommandError, Tx, readable};
use crate::policy;

/// Maximum visits named and warned at once.
const CLASHES_MAX: u64 = 10;
/// Minutes until the next attempt to extend the hold of the bay.
const AGAIN_MIN: i64 = 5;

/// A visit that is to begin in a bay before the car there is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClashView {
    /// The next order.
    pub order_id: OrderId,
    /// The order's short code, read aloud by people.
    pub code: String,
    /// Its status.
    pub status: OrderStatus,
    /// The bay.
    pub bay_id: BayId,
    /// The start of its hold of the bay.
    pub from: DateTime<Utc>,
}

/// Visits that are to begin in the bay of an admitted car before it is done, the next one first;
/// only those its former plan did not overlap.
///
/// # Errors
/// When the database fails.
pub async fn in_the_way(tx: &Tx, old: &Model, new: &Model) -> Result<Vec<Model>, CommandError> {
    let (Some(BayAllocation { bay_id, .. }), Some(end)) = (capacity::place(new), new.planned_end)
    else {
        return Ok(Vec::new());
    };
    let mut rows = order::Entity::find()
        .filter(Column::PartnerId.eq(new.partner_id))
        .filter(Column::BayId.eq(bay_id))
        .filter(Column::Id.ne(new.id))
        .filter(Column::Status.is_in([
            OrderStatus::Requested,
            OrderStatus::Confirmed,
            OrderStatus::OnTheWay,
        ]))
        .filter(Column::TakenUntil.gt(tx.now()))
        .filter(Column::TakenFrom.lt(end))
        .order_by_asc(Column::TakenFrom)
        .limit(CLASHES_MAX);
    if let Some(before) = old.planned_end {
        rows = rows.filter(Column::TakenFrom.gte(before));
    }
    Ok(readable::partly(tx.db(), rows).await?)
}

/// Warns the partner and the clients of visits delayed by a car; returns the warnings for the
/// partner's answer.
///
/// # Errors
/// Faults only.
pub fn warn(tx: &mut Tx, inside: &Model, next: &[Model]) -> Result<Vec<ClashView>, CommandError> {
    let mut clashes = Vec::new();
    for order in next {
        warn_of(tx, inside, order)?;
        let Some(BayAllocation { bay_id, from, .. }) = capacity::place(order) else { continue };
        let (order_id, code, status) = (order.id, order.code.clone(), order.status);
        clashes.push(ClashView { order_id, code, status, bay_id, from });
    }
    Ok(clashes)
}

/// Warns the partner, and the client of an accepted visit, that another car is still in the bay.
///
/// # Errors
/// Faults only.
pub fn warn_of(tx: &mut Tx, inside: &Model, order: &Model) -> Result<(), CommandError> {
    let note = json!({"bay_id": inside.bay_id, "overrun_by": view(inside, Reader::Staff)});
    let branch = [Audience::Branch(order.partner_id)];
    write::remark(tx, order, "order.bay_overrun", &note, &branch)?;
    match order.status {
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            let note = json!({"planned_end": inside.planned_end});
            let client = [Audience::Client(order.client_id)];
            write::remark(tx, order, "order.start_delayed", &note, &client)
        }
        OrderStatus::Requested
        | OrderStatus::Active
        | OrderStatus::Completed
        | OrderStatus::Cancelled => Ok(()),
    }
}

/// Does an admitted car occupy its bay for longer than planned?
#[must_use]
pub fn stays_over(order: &Model, now: Instant) -> bool {
    let visit = price::visit(&order.snapshot.lines);
    let due = order.admitted_at.map(|at| visit.occupying(at).until);
    order.status == OrderStatus::Active && due.is_some_and(|due| due <= now)
}

/// Cars that occupy these bays for longer than planned.
///
/// # Errors
/// When the database fails.
pub async fn staying(tx: &Tx, id: PartnerId, bays: &[BayId]) -> Result<Vec<Model>, CommandError> {
    let inside = order::Entity::find()
        .filter(Column::PartnerId.eq(id))
        .filter(Column::Status.eq(OrderStatus::Active))
        .filter(Column::BayId.is_in(bays.iter().copied()));
    let inside = readable::partly(tx.db(), inside).await?;
    Ok(inside.into_iter().filter(|order| stays_over(order, tx.now())).collect())
}

/// Extends the hold of a bay whose car is still there at its end, by a number of minutes, as far as
/// the bay is free (BK-10).
pub struct HoldOn {
    /// The order.
    pub order_id: OrderId,
}

impl Command for HoldOn {
    type Answer = ();
    const NAME: &'static str = "hold_on";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, _) = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Overrun).await?;
        past(tx, order.taken_until)?;
        let Some(BayAllocation { bay_id, until, .. }) = capacity::place(&order) else {
            return Err(Refusal::NotNow.into());
        };
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let more = TimeDelta::minutes(keys.booking.overrun_hold_min);
        // The extension starts at the end of the hold, or now if the timer is late.
        let late = until + more <= tx.now();
        let end = if late { tx.now() + more } else { until + more };
        let wanted = Span { from: until, until: end };
        let free = free_until(tx.db(), order.partner_id, bay_id, wanted, order.id.0).await?;
        if free <= until {
            return somebody_comes(tx, &order, until).await;
        }
        let next = Model { taken_until: Some(free), ..order.clone() };
        let step = Step {
            note: json!({"before": until, "after": free}),
            ..Step::new(Intent::Overrun, "order.overrun", next)
        };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// The bay is held by another visit from now on. A booking is warned when it begins, a quick order
/// here. A timer checks again whether the bay became free.
async fn somebody_comes(tx: &mut Tx, order: &Model, until: Instant) -> Result<(), CommandError> {
    let again = TimeDelta::minutes(AGAIN_MIN);
    if tx.now() < until + again {
        let next = order::Entity::find()
            .filter(Column::PartnerId.eq(order.partner_id))
            .filter(Column::BayId.eq(order.bay_id))
            .filter(Column::Kind.eq(OrderKind::Quick))
            .filter(Column::Status.is_in([OrderStatus::Confirmed, OrderStatus::OnTheWay]))
            .filter(Column::TakenUntil.gt(tx.now()))
            .filter(Column::TakenFrom.lte(tx.now() + again))
            .limit(CLASHES_MAX);
        let next = readable::partly(tx.db(), next).await?;
        warn(tx, order, &next)?;
    }
    tx.check(order);
    tx.arm(timers::OVERRUN, order.id.0, tx.now() + again);
    Ok(())
}
