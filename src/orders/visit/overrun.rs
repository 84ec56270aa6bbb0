//! Overruns: a car that occupies its bay for longer than planned. The hold of the bay is extended,
//! and the next visit is warned (BK-10).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, TimerKind};
use entity::order;
use entity::order::{BayAllocation, Column, Model, OrderKind, OrderStatus};
use entity::value::{Actor, BayId, Instant, OrderId, PartnerId, Span};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::orders::decision::{Step, past};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::{ClashView, Reader, Viewer};
use crate::orders::{Refusal, capacity, price, write};
use crate::partners::capacity::availability::free_until;
use crate::policy::{self, Policy};
use platform::db::readable;
use platform::{Audience, Command, CommandError};

/// Maximum visits named and warned at once.
const CLASHES_MAX: u64 = 10;
/// Minutes until the next attempt to extend the hold of the bay.
const AGAIN_MIN: i64 = 5;

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
    let inside_view = Viewer::of(tx)?.view(inside, Reader::Staff);
    let note = json!({"bay_id": inside.bay_id, "overrun_by": inside_view});
    let branch = [Audience::Branch(order.partner_id)];
    write::remark(tx, order, EventKind::OrderBayOverrun, &note, &branch)?;
    match order.status {
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            let note = json!({"planned_end": inside.planned_end});
            let client = [Audience::Client(order.client_id)];
            write::remark(tx, order, EventKind::OrderStartDelayed, &note, &client)
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

impl Command<Context> for HoldOn {
    type Answer = ();
    const NAME: CommandName = CommandName::HoldOn;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Overrun).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let Some(BayAllocation { bay_id, until, .. }) = capacity::place(&order) else {
            return Err(Refusal::NotNow.into());
        };
        let more = TimeDelta::minutes(keys.booking.overrun_hold_min);
        // The extension starts at the end of the hold, or now if the timer is late.
        let late = until + more <= tx.now();
        let end = if late { tx.now() + more } else { until + more };
        let wanted = Span { from: until, until: end };
        let free = free_until(tx.db(), order.partner_id, bay_id, wanted, order.id.0).await?;
        let step = match Self::decide(&order, &OverrunFacts { free }, &keys, tx.now()) {
            Err(Refusal::BayNotFree) => return somebody_comes(tx, &order, until).await,
            step => step?,
        };
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

/// What a longer hold depends on beside the order.
struct OverrunFacts {
    /// Until when the bay is free.
    free: Instant,
}

impl HoldOn {
    /// Strictly after the end of the hold, as far as the bay is free.
    fn decide(
        order: &Model,
        facts: &OverrunFacts,
        _: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::Overrun, Actor::Clock)?;
        past(order.taken_until, now)?;
        let until = capacity::place(order).ok_or(Refusal::NotNow)?.until;
        if facts.free <= until {
            return Err(Refusal::BayNotFree);
        }
        let next = Model { taken_until: Some(facts.free), ..order.clone() };
        Ok(Step {
            note: json!({"before": until, "after": facts.free}),
            ..Step::new(Intent::Overrun, EventKind::OrderOverrun, next)
        })
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
    tx.arm(TimerKind::Overrun, order.id.0, tx.now() + again);
    Ok(())
}
