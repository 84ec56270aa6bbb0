//! A car that is in its bay for longer than it was to be: the bay is held on for it, and whoever
//! comes next is warned (BK-10).

use chrono::{DateTime, TimeDelta, Utc};
use entity::order::{self, Column, Kind, Model, Place, Status};
use entity::value::{BayId, Instant, OrderId, PartnerId, Span};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::apply::{self, Step};
use super::lapse::past;
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{Reader, view};
use super::{Refusal, capacity, price, timers};
use crate::partners::availability::free_until;
use crate::platform::{Audience, Command, Stop, Tx, readable};
use crate::policy;

/// Visits named and warned at once, at most.
const CLASHES_MAX: u64 = 10;
/// Minutes until it is looked again whether the bay can be held on.
const AGAIN_MIN: i64 = 5;

/// A visit that is to begin in a bay before the car there is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClashView {
    /// The order that comes next.
    pub order_id: OrderId,
    /// What people read aloud.
    pub code: String,
    /// Where it stands.
    pub status: Status,
    /// The bay.
    pub bay_id: BayId,
    /// It has the bay from then.
    pub from: DateTime<Utc>,
}

/// Visits that are to begin in the bay of a car that is being served before it is done, the next
/// one first; only those that did not meet it as it was planned before.
///
/// # Errors
/// When the database fails.
pub async fn in_the_way(tx: &Tx, old: &Model, new: &Model) -> Result<Vec<Model>, Stop> {
    let (Some(Place { bay_id, .. }), Some(end)) = (capacity::place(new), new.planned_end) else {
        return Ok(Vec::new());
    };
    let mut rows = order::Entity::find()
        .filter(Column::PartnerId.eq(new.partner_id))
        .filter(Column::BayId.eq(bay_id))
        .filter(Column::Id.ne(new.id))
        .filter(Column::Status.is_in([Status::Requested, Status::Confirmed, Status::OnTheWay]))
        .filter(Column::TakenUntil.gt(tx.now()))
        .filter(Column::TakenFrom.lt(end))
        .order_by_asc(Column::TakenFrom)
        .limit(CLASHES_MAX);
    if let Some(before) = old.planned_end {
        rows = rows.filter(Column::TakenFrom.gte(before));
    }
    Ok(readable::partly(tx.db(), rows).await?)
}

/// Warns the partner and the clients of visits that a car is in the way of; gives what the partner
/// is shown at once.
///
/// # Errors
/// Faults only.
pub fn warn(tx: &mut Tx, inside: &Model, next: &[Model]) -> Result<Vec<ClashView>, Stop> {
    let mut clashes = Vec::new();
    for order in next {
        warn_of(tx, inside, order)?;
        let Some(Place { bay_id, from, .. }) = capacity::place(order) else { continue };
        let (order_id, code, status) = (order.id, order.code.clone(), order.status);
        clashes.push(ClashView { order_id, code, status, bay_id, from });
    }
    Ok(clashes)
}

/// Warns the partner, and the client of a visit that was agreed, that somebody else's car is in the
/// bay.
///
/// # Errors
/// Faults only.
pub fn warn_of(tx: &mut Tx, inside: &Model, order: &Model) -> Result<(), Stop> {
    let note = json!({"bay_id": inside.bay_id, "overrun_by": view(inside, Reader::Staff)});
    let branch = [Audience::Branch(order.partner_id)];
    apply::remark(tx, order, "order.bay_overrun", &note, &branch)?;
    match order.status {
        Status::Confirmed | Status::OnTheWay => {
            let note = json!({"planned_end": inside.planned_end});
            let client = [Audience::Client(order.client_id)];
            apply::remark(tx, order, "order.start_delayed", &note, &client)
        }
        Status::Requested | Status::Active | Status::Completed | Status::Cancelled => Ok(()),
    }
}

/// Is a car that is being served in its bay for longer than it was to be?
#[must_use]
pub fn stays_over(order: &Model, now: Instant) -> bool {
    let visit = price::visit(&order.snapshot.lines);
    let due = order.admitted_at.map(|at| visit.occupying(at).until);
    order.status == Status::Active && due.is_some_and(|due| due <= now)
}

/// Cars that stay in these bays for longer than they were to.
///
/// # Errors
/// When the database fails.
pub async fn staying(tx: &Tx, id: PartnerId, bays: &[BayId]) -> Result<Vec<Model>, Stop> {
    let inside = order::Entity::find()
        .filter(Column::PartnerId.eq(id))
        .filter(Column::Status.eq(Status::Active))
        .filter(Column::BayId.is_in(bays.iter().copied()));
    let inside = readable::partly(tx.db(), inside).await?;
    Ok(inside.into_iter().filter(|order| stays_over(order, tx.now())).collect())
}

/// The time of a car in its bay is over and it is still there: the bay is held on for so many
/// minutes more, as far as nobody else has it (BK-10).
pub struct HoldOn {
    /// Which order.
    pub order_id: OrderId,
}

impl Command for HoldOn {
    type Answer = ();
    const NAME: &'static str = "hold_on";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let (order, _) = read::ask(tx, Scope::Clock, self.order_id, Intent::Overrun).await?;
        past(tx, order.taken_until)?;
        let Some(Place { bay_id, until, .. }) = capacity::place(&order) else {
            return Err(Refusal::NotNow.into());
        };
        let keys = policy::book::pinned(tx, order.policy_version)?;
        let more = TimeDelta::minutes(keys.booking.overrun_hold_min);
        // From when it was to be free on; where the clock is late, from now on.
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
        apply::step(tx, &order, step)?;
        Ok(())
    }
}

/// Somebody else has the bay from now on. Of a booking that is found when it begins; of a quick
/// order here. It is looked again whether the bay became free.
async fn somebody_comes(tx: &mut Tx, order: &Model, until: Instant) -> Result<(), Stop> {
    let again = TimeDelta::minutes(AGAIN_MIN);
    if tx.now() < until + again {
        let next = order::Entity::find()
            .filter(Column::PartnerId.eq(order.partner_id))
            .filter(Column::BayId.eq(order.bay_id))
            .filter(Column::Kind.eq(Kind::Quick))
            .filter(Column::Status.is_in([Status::Confirmed, Status::OnTheWay]))
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
