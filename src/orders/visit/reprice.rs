//! Repricing: services, price, hold, capacity and end of an order change together or not at all
//! (ADD-1, ADD-2).

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind, OrderStatus, OrderedService};
use entity::value::{BayId, Instant, Money, Span};

use crate::context::Tx;
use crate::ledger::commission::{base, commission};
use crate::orders::booking::slot;
use crate::orders::{Refusal, capacity, price};
use crate::partners;
use crate::partners::capacity::availability::{free_bays, free_until};
use crate::partners::capacity::plan;
use crate::policy::Policy;
use platform::CommandError;

/// Where a visit of another duration finds room.
#[derive(Clone, Debug)]
pub enum Space {
    /// As it is now: nothing changes.
    Unchanged,
    /// The bay of an admitted car.
    Admitted(BayRoom),
    /// Before the admission: the bay must be free for all of it.
    Awaited(BayFit),
}

/// How far the bay of an admitted car is free around its hold.
#[derive(Clone, Copy, Debug)]
pub struct BayRoom {
    /// Whether it is free from the admission until its hold begins.
    before: bool,
    /// The end of the hold: the end of the visit, or the start of the next hold before it.
    until: Instant,
}

/// The bay of a visit that is still to begin.
#[derive(Clone, Debug)]
pub struct BayFit {
    /// The kind of bay the services need.
    bay_kind: Option<String>,
    /// The bay, where the order holds one.
    bay: HeldBay,
    /// Whether the car is free of other orders.
    car_free: bool,
}

#[derive(Clone, Copy, Debug)]
enum HeldBay {
    Free(BayId, Instant),
    NotFree,
    Unmanaged,
}

/// The state `next` with these services at this total: the commission never falls below what the
/// client agreed to (ORD-11), and the bay is held for the new duration.
///
/// Before the admission the bay must be free for all of it; afterwards the bay is held as far as it
/// is free.
///
/// # Errors
/// `bay_not_free`, `car_booked`.
pub fn repriced(
    mut next: Model,
    lines: Vec<OrderedService>,
    total: Money,
    space: &Space,
    policy: &Policy,
) -> Result<Model, Refusal> {
    next.agreed = total;
    next.commission = commission(base(&next), &policy.commission);
    next.snapshot.lines = lines;
    match space {
        Space::Unchanged => Ok(next),
        Space::Admitted(room) => Ok(extend_visit(next, *room)),
        Space::Awaited(fit) => replaced(next, fit),
    }
}

/// Reallocates the whole visit: in the same bay if possible, else in another one that fits.
fn replaced(mut next: Model, fit: &BayFit) -> Result<Model, Refusal> {
    let visit = price::visit(&next.snapshot.lines);
    next.snapshot.bay_kind.clone_from(&fit.bay_kind);
    next.ends_at = next.starts_at.map(|start| visit.serving(start).until);
    match fit.bay {
        HeldBay::NotFree => return Err(Refusal::BayNotFree),
        HeldBay::Free(bay, until) => {
            next.bay_id = Some(bay);
            next.taken_until = Some(until);
        }
        HeldBay::Unmanaged => {}
    }
    if fit.car_free { Ok(next) } else { Err(Refusal::CarBooked) }
}

/// Sets the planned end of an admitted car, and holds its bay as far as it is free.
#[must_use]
pub fn extend_visit(mut next: Model, room: BayRoom) -> Model {
    let Some(admitted) = next.admitted_at else { return next };
    next.planned_end = Some(end_of(&next.snapshot.lines, admitted));
    let Some(BayAllocation { from, .. }) = capacity::place(&next) else { return next };
    if admitted < from {
        // Admitted early: the bay is held from now on if it is free, else as booked.
        if !room.before {
            return next;
        }
        next.taken_from = Some(admitted);
    }
    next.taken_until = Some(room.until);
    next
}

/// Where an order with these services finds room.
///
/// # Errors
/// `no_bay_fits`, or a fault.
pub async fn space(
    tx: &mut Tx,
    order: &Model,
    lines: &[OrderedService],
    policy: &Policy,
) -> Result<Space, CommandError> {
    match order.status {
        OrderStatus::Active => {
            let admitted = order.admitted_at.unwrap_or(tx.now());
            Ok(Space::Admitted(room(tx, order, lines, admitted).await?))
        }
        OrderStatus::Requested
        | OrderStatus::Confirmed
        | OrderStatus::OnTheWay
        | OrderStatus::Completed
        | OrderStatus::Cancelled => Ok(Space::Awaited(fit(tx, order, lines, policy).await?)),
    }
}

/// How far the bay of a car admitted at this instant is free.
///
/// # Errors
/// When the database fails.
pub async fn room(
    tx: &Tx,
    order: &Model,
    lines: &[OrderedService],
    admitted: Instant,
) -> Result<BayRoom, CommandError> {
    let wanted = price::visit(lines).occupying(admitted).until.max(tx.now());
    let Some(BayAllocation { bay_id, from, until }) = capacity::place(order) else {
        return Ok(BayRoom { before: true, until: wanted });
    };
    let (db, partner_id, holder) = (tx.db(), order.partner_id, order.id.0);
    if admitted < from {
        let early = Span { from: admitted, until: from };
        if free_until(db, partner_id, bay_id, early, holder).await? < from {
            return Ok(BayRoom { before: false, until });
        }
    }
    let until = if wanted <= until {
        wanted
    } else {
        let span = Span { from: until, until: wanted };
        free_until(db, partner_id, bay_id, span, holder).await?
    };
    Ok(BayRoom { before: true, until })
}

/// Whether bay and car are free for a visit with these services.
async fn fit(
    tx: &mut Tx,
    order: &Model,
    lines: &[OrderedService],
    policy: &Policy,
) -> Result<BayFit, CommandError> {
    let (_, plan) = plan::of(tx, order.partner_id).await?;
    let ids: Vec<_> = lines.iter().map(|line| line.id).collect();
    let bay_kind = plan.bay_kind(&ids)?;
    let mut next = order.clone();
    next.snapshot.lines = lines.to_vec();
    let Some(BayAllocation { bay_id, from, .. }) = capacity::place(order) else {
        // A quick order without a bay still occupies its car for the visit.
        let car_free = order.kind == OrderKind::Booking
            || slot::car_free(tx, &next, capacity::quick_visit(&next)).await?;
        return Ok(BayFit { bay_kind, bay: HeldBay::Unmanaged, car_free });
    };
    let span = extended(order, price::visit(lines).occupying(from), policy);
    let bays = plan.bays_for(bay_kind.as_deref());
    if bays.is_empty() {
        return Err(partners::Refusal::NoBay.into());
    }
    let free = free_bays(tx.db(), order.partner_id, &bays, span, order.id.0).await?;
    let kept = |bay: &&BayId| **bay == bay_id;
    let bay = free.iter().find(kept).or(free.first());
    let bay = bay.map_or(HeldBay::NotFree, |bay| HeldBay::Free(*bay, span.until));
    let car_free = slot::car_free(tx, &next, span).await?;
    Ok(BayFit { bay_kind, bay, car_free })
}

/// The hold of an extended booking's bay, longer by the extension (BK-6).
fn extended(order: &Model, span: Span, policy: &Policy) -> Span {
    if order.kind == OrderKind::Quick {
        return span;
    }
    let minutes = policy.booking.extension_min * i64::from(order.extensions);
    Span { until: span.until + TimeDelta::minutes(minutes), ..span }
}

/// The end of a visit that begins at this instant.
#[must_use]
pub fn end_of(lines: &[OrderedService], begins: Instant) -> Instant {
    begins + TimeDelta::minutes(price::minutes(lines))
}
