//! Repricing: services, price, hold, capacity and end of an order change together or not at all
//! (ADD-1, ADD-2).

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind, OrderStatus, OrderedService};
use entity::value::{BayId, Instant, Money, Span};

use super::complete::held;
use super::{Refusal, capacity, price, slot};
use crate::billing::funds::{self, Limit};
use crate::ledger::commission::{base, commission};
use crate::partners::availability::{free_bays, free_until};
use crate::partners::plan;
use crate::platform::{CommandError, Tx};
use crate::{partners, policy};

/// The state `next` of an order with these services at this total: its hold is resized, under
/// today's floor and never below what the client agreed to (ORD-11), and its bay is held for the
/// new duration.
///
/// Before the admission the bay must be free for all of it; afterwards the bay is held as far as it
/// is free.
///
/// # Errors
/// `bay_not_free`, `car_booked`, `insufficient_balance` at the flush, or a fault.
pub async fn reprice(
    tx: &mut Tx,
    order: &Model,
    mut next: Model,
    lines: Vec<OrderedService>,
    total: Money,
) -> Result<Model, CommandError> {
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    next.agreed = total;
    let due = commission(base(&next), &keys.commission);
    if due != order.commission {
        next.commission_bonus = funds::resize(tx, &held(order), due, Limit::Floor).await?;
    }
    next.commission = due;
    next.snapshot.lines = lines;
    match next.status {
        OrderStatus::Active => extend_visit(tx, next).await,
        OrderStatus::Requested
        | OrderStatus::Confirmed
        | OrderStatus::OnTheWay
        | OrderStatus::Completed
        | OrderStatus::Cancelled => replace(tx, next).await,
    }
}

/// Reallocates the whole visit: in the same bay if possible, else in another one that fits.
async fn replace(tx: &mut Tx, mut next: Model) -> Result<Model, CommandError> {
    let (_, plan) = plan::of(tx, next.partner_id).await?;
    let ids: Vec<_> = next.snapshot.lines.iter().map(|line| line.id).collect();
    next.snapshot.bay_kind = plan.bay_kind(&ids)?;
    let visit = price::visit(&next.snapshot.lines);
    next.ends_at = next.starts_at.map(|start| visit.serving(start).until);
    let Some(BayAllocation { bay_id, from, .. }) = capacity::place(&next) else {
        return quick_car(tx, next).await;
    };
    let span = extended(tx, &next, visit.occupying(from))?;
    let bays = plan.bays_for(next.snapshot.bay_kind.as_deref());
    if bays.is_empty() {
        return Err(partners::Refusal::NoBay.into());
    }
    let free = free_bays(tx.db(), next.partner_id, &bays, span, next.id.0).await?;
    let kept = |bay: &&BayId| **bay == bay_id;
    let bay = free.iter().find(kept).or(free.first()).ok_or(Refusal::BayNotFree)?;
    next.bay_id = Some(*bay);
    next.taken_until = Some(span.until);
    if !slot::car_free(tx, &next, span).await? {
        return Err(Refusal::CarBooked.into());
    }
    Ok(next)
}

/// A quick order without a bay still occupies its car for the visit.
async fn quick_car(tx: &Tx, next: Model) -> Result<Model, CommandError> {
    let free = next.kind == OrderKind::Booking
        || slot::car_free(tx, &next, capacity::quick_visit(&next)).await?;
    if free { Ok(next) } else { Err(Refusal::CarBooked.into()) }
}

/// The hold of an extended booking's bay, longer by the extension (BK-6).
fn extended(tx: &Tx, order: &Model, span: Span) -> Result<Span, CommandError> {
    if order.kind == OrderKind::Quick {
        return Ok(span);
    }
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let minutes = keys.booking.extension_min * i64::from(order.extensions);
    Ok(Span { until: span.until + TimeDelta::minutes(minutes), ..span })
}

/// Sets the planned end of an admitted car, and holds its bay as far as it is free.
///
/// # Errors
/// When the database fails.
pub async fn extend_visit(tx: &Tx, mut next: Model) -> Result<Model, CommandError> {
    let Some(admitted) = next.admitted_at else { return Ok(next) };
    let visit = price::visit(&next.snapshot.lines);
    next.planned_end = Some(visit.serving(admitted).until);
    let Some(BayAllocation { bay_id, from, until }) = capacity::place(&next) else {
        return Ok(next);
    };
    let (db, partner_id, holder) = (tx.db(), next.partner_id, next.id.0);
    if admitted < from {
        // Admitted early: the bay is held from now on if it is free, else as booked.
        let before = Span { from: admitted, until: from };
        if free_until(db, partner_id, bay_id, before, holder).await? < from {
            return Ok(next);
        }
        next.taken_from = Some(admitted);
    }
    let wanted = visit.occupying(admitted).until.max(tx.now());
    next.taken_until = Some(if wanted <= until {
        wanted
    } else {
        let span = Span { from: until, until: wanted };
        free_until(db, partner_id, bay_id, span, holder).await?
    });
    Ok(next)
}

/// The end of a visit that begins at this instant.
#[must_use]
pub fn end_of(lines: &[OrderedService], begins: Instant) -> Instant {
    begins + TimeDelta::minutes(price::minutes(lines))
}
