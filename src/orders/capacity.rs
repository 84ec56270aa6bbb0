//! The occupancy of an order: its cells of bays and cars, pure. The writer takes and frees the
//! difference between two states, as with timers; the database refuses occupied cells (BK-2).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind, OrderStatus, Proposed};
use entity::value::Span;
use uuid::Uuid;

use super::price;
use crate::partners::capacity::slots::{Ticks, ticks};
use platform::engine::write_set::OccupancyClaim;

/// The bay allocation an order holds, or held last.
#[must_use]
pub fn place(order: &Model) -> Option<BayAllocation> {
    let (bay_id, from, until) = (order.bay_id?, order.taken_from?, order.taken_until?);
    Some(BayAllocation { bay_id, from, until })
}

/// The time for which a quick order occupies its car: the visit, from the arrival estimated at
/// placing. Neither the partner's acceptance nor a newer estimate changes it (BK-11).
#[must_use]
pub fn quick_visit(order: &Model) -> Span {
    let arrives = order.placed_at + TimeDelta::seconds(order.snapshot.route_secs);
    price::visit(&order.snapshot.lines).occupying(arrives)
}

/// Does an order occupy its car in any cell of this span?
#[must_use]
pub fn keeps_car(order: &Model, span: Span) -> bool {
    let wanted = ticks(span);
    held(order).iter().any(|(of, ticks)| *of == order.car_id.0 && ticks.meets(&wanted))
}

/// All occupancy of a state: its bay, its car until the admission, and the target of a pending
/// move.
#[must_use]
pub fn held(order: &Model) -> Vec<(Uuid, Ticks)> {
    match order.status {
        OrderStatus::Completed | OrderStatus::Cancelled => return Vec::new(),
        OrderStatus::Requested
        | OrderStatus::Confirmed
        | OrderStatus::OnTheWay
        | OrderStatus::Active => {}
    }
    let comes = comes(order);
    let mut held = Vec::new();
    let mut add = |place: BayAllocation| {
        let ticks = ticks(Span { from: place.from, until: place.until });
        held.push((place.bay_id.0, ticks));
        if comes && order.kind == OrderKind::Booking {
            // One car cannot be at two places (BK-11).
            held.push((order.car_id.0, ticks));
        }
    };
    if let Some(place) = place(order) {
        add(place);
    }
    if let Some(Proposed::Reschedule { place, .. }) = order.proposal.as_ref().map(|p| &p.what) {
        add(*place);
    }
    if comes && order.kind == OrderKind::Quick {
        held.push((order.car_id.0, ticks(quick_visit(order))));
    }
    held
}

/// Is the car of an order still to arrive? Once admitted it occupies no time of the car, however
/// long the service takes, and does not prevent other orders of the car (BK-11).
fn comes(order: &Model) -> bool {
    match order.status {
        OrderStatus::Requested | OrderStatus::Confirmed | OrderStatus::OnTheWay => true,
        OrderStatus::Active | OrderStatus::Completed | OrderStatus::Cancelled => false,
    }
}

/// The occupancy to take and to free between two states.
#[must_use]
pub fn difference(old: Option<&Model>, new: &Model) -> (Vec<OccupancyClaim>, Vec<OccupancyClaim>) {
    let before = runs(&old.map(held).unwrap_or_default());
    let after = runs(&held(new));
    let claim = |(resource, ticks): (Uuid, Ticks)| OccupancyClaim {
        resource,
        from: ticks.from,
        until: ticks.until,
        holder: new.id.0,
    };
    let taken = without(&after, &before).into_iter().map(claim).collect();
    let freed = without(&before, &after).into_iter().map(claim).collect();
    (taken, freed)
}

/// The same cells merged into disjoint runs, by resource.
fn runs(held: &[(Uuid, Ticks)]) -> BTreeMap<Uuid, Vec<Ticks>> {
    let mut runs: BTreeMap<Uuid, Vec<Ticks>> = BTreeMap::new();
    let mut sorted = held.to_vec();
    sorted.sort();
    for (resource, ticks) in sorted {
        let of_it = runs.entry(resource).or_default();
        match of_it.last_mut() {
            Some(last) if ticks.from <= last.until => last.until = last.until.max(ticks.until),
            Some(_) | None => of_it.push(ticks),
        }
    }
    runs
}

/// The cells of the one that are not in the other.
fn without(
    one: &BTreeMap<Uuid, Vec<Ticks>>,
    other: &BTreeMap<Uuid, Vec<Ticks>>,
) -> Vec<(Uuid, Ticks)> {
    let mut left = Vec::new();
    for (resource, runs) in one {
        for run in runs {
            let mut from = run.from;
            for cut in other.get(resource).into_iter().flatten().filter(|cut| cut.meets(run)) {
                if from < cut.from {
                    left.push((*resource, Ticks { from, until: cut.from }));
                }
                from = from.max(cut.until);
            }
            if from < run.until {
                left.push((*resource, Ticks { from, until: run.until }));
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource: u128, runs: &[(i64, i64)]) -> BTreeMap<Uuid, Vec<Ticks>> {
        let held: Vec<_> = runs
            .iter()
            .map(|(from, until)| (Uuid::from_u128(resource), Ticks { from: *from, until: *until }))
            .collect();
        super::runs(&held)
    }

    /// BK-8: a move within a bay takes only the cells it lacks, and frees only those it no longer
    /// needs.
    #[test]
    fn bk_8_moving_within_a_bay_takes_and_frees_the_difference() {
        let (old, both) = (of(1, &[(10, 14)]), of(1, &[(10, 14), (12, 16)]));
        let tick = |from, until| vec![(Uuid::from_u128(1), Ticks { from, until })];
        assert_eq!(without(&both, &old), tick(14, 16));
        assert_eq!(without(&old, &both), vec![]);
        let new = of(1, &[(12, 16)]);
        assert_eq!(without(&both, &new), tick(10, 12));
        assert_eq!(without(&new, &both), vec![]);
        assert_eq!(without(&of(1, &[(0, 9)]), &of(1, &[(3, 4)])).len(), 2);
        assert_eq!(without(&of(1, &[(0, 9)]), &of(2, &[(3, 4)])).len(), 1);
    }
}
