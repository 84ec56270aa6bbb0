//! The timers of an order's state: pure. The writer arms and disarms the difference.

use chrono::TimeDelta;
use entity::order::{Model, OrderKind, OrderStatus};
use entity::value::Instant;

use crate::policy::Policy;

/// The deadline of an offer (QO-2).
pub const OFFER: &str = "order.offer_deadline";
/// The deadline of the client's arrival (QO-4).
pub const ARRIVAL: &str = "order.arrival_deadline";
/// The deadline of the partner's decision about a late client (QO-5).
pub const DECISION: &str = "order.late_decision";
/// Alerts support that an arrived client is not admitted (ARR-2).
pub const ADMIT_ALERT: &str = "order.admit_alert";
/// Ends an order whose client is not admitted (ARR-2).
pub const ADMIT: &str = "order.admit_deadline";
/// The end of a freeze (ARR-2).
pub const FROZEN: &str = "order.frozen";
/// Confirms a booking automatically (BK-4).
pub const AUTO_CONFIRM: &str = "order.auto_confirm";
/// Burns a booking (BK-5, BK-6).
pub const BURN: &str = "order.burn";
/// The deadline of a proposal (ADD-1, BK-8).
pub const PROPOSAL: &str = "order.proposal_deadline";
/// Accepts a proposal automatically (ADD-1, BK-8).
pub const AUTO_AGREE: &str = "order.auto_agree";
/// Reminds a day before a booking (NOT-1).
pub const REMIND_DAY: &str = "order.remind_day";
/// Reminds shortly before a booking (NOT-1).
pub const REMIND_SOON: &str = "order.remind_soon";
/// Reminds to leave now (NOT-1).
pub const REMIND_LEAVE: &str = "order.remind_leave";
/// Checks that a booking's bay is free when it begins (BK-10).
pub const BAY_CHECK: &str = "order.bay_check";
/// The end of an admitted car's hold of its bay (BK-10).
pub const OVERRUN: &str = "order.overrun";
/// Cancels orders of a blocked partner (SAN-4).
pub const CLOSE_FOR_BLOCK: &str = "order.shut_out";
/// Completes an order its partner did not.
pub const AUTO_COMPLETE: &str = "order.auto_complete";

/// All kinds.
pub const ALL: &[&str] = &[
    OFFER,
    ARRIVAL,
    DECISION,
    ADMIT_ALERT,
    ADMIT,
    FROZEN,
    AUTO_CONFIRM,
    BURN,
    PROPOSAL,
    AUTO_AGREE,
    REMIND_DAY,
    REMIND_SOON,
    REMIND_LEAVE,
    BAY_CHECK,
    OVERRUN,
    CLOSE_FOR_BLOCK,
    AUTO_COMPLETE,
];

/// Deadlines of the parties, which outages of ours move (OUT-1).
pub const DEADLINES: &[&str] =
    &[OFFER, ARRIVAL, DECISION, ADMIT_ALERT, ADMIT, FROZEN, BURN, PROPOSAL, AUTO_COMPLETE];

/// Timers that outages do not move, as they are nobody's deadline: automatic acts of the branch's
/// settings, reminders, checks.
pub const STAYING: &[&str] = &[
    AUTO_CONFIRM,
    AUTO_AGREE,
    REMIND_DAY,
    REMIND_SOON,
    REMIND_LEAVE,
    BAY_CHECK,
    OVERRUN,
    CLOSE_FOR_BLOCK,
];

/// The last instant at which an offer can be answered: a quick one has a grace period that is not
/// shown (QO-2, BK-3).
#[must_use]
pub fn offer_end(order: &Model, policy: &Policy) -> Option<Instant> {
    let grace = match order.kind {
        OrderKind::Quick => TimeDelta::seconds(policy.quick.net_grace_s),
        OrderKind::Booking => TimeDelta::zero(),
    };
    order.offer_deadline.map(|due| due + grace)
}

/// The timers of a state, with their due times.
#[must_use]
pub fn of(order: &Model, policy: &Policy) -> Vec<(&'static str, Instant)> {
    let waits: Vec<(&'static str, Option<Instant>)> = match order.status {
        OrderStatus::Requested => vec![(OFFER, offer_end(order, policy))],
        OrderStatus::Confirmed | OrderStatus::OnTheWay => {
            let mut waits = awaited(order);
            waits.push((PROPOSAL, order.proposal.as_ref().map(|proposal| proposal.expires_at)));
            if order.kind == OrderKind::Booking {
                waits.push((BAY_CHECK, order.taken_from));
                waits.extend(reminders(order, policy));
            }
            waits
        }
        OrderStatus::Active => {
            let after = TimeDelta::hours(policy.order.auto_complete_h);
            vec![
                (AUTO_COMPLETE, order.planned_end.map(|end| end + after)),
                (OVERRUN, order.taken_until.filter(|_| order.bay_id.is_some())),
            ]
        }
        OrderStatus::Completed | OrderStatus::Cancelled => Vec::new(),
    };
    waits.into_iter().filter_map(|(kind, due)| due.map(|due| (kind, due))).collect()
}

fn awaited(order: &Model) -> Vec<(&'static str, Option<Instant>)> {
    if order.frozen_until.is_some() {
        return vec![(FROZEN, order.frozen_until)];
    }
    if order.arrived_at.is_some() {
        let alert = if order.alerted_at.is_none() { order.admit_alert_at } else { None };
        return vec![(ADMIT_ALERT, alert), (ADMIT, order.admit_deadline)];
    }
    match order.kind {
        OrderKind::Quick if order.overdue_at.is_some() => vec![(DECISION, order.decision_deadline)],
        OrderKind::Quick => vec![(ARRIVAL, order.arrival_deadline)],
        OrderKind::Booking => vec![(BURN, burns_at(order))],
    }
}

/// When a booking burns: its client did not depart, or did not arrive (BK-5, BK-6).
#[must_use]
pub fn burns_at(order: &Model) -> Option<Instant> {
    if order.departed_at.is_some() { order.arrival_deadline } else { order.depart_deadline }
}

/// When the client is reminded; only reminders due after the start was agreed (NOT-5).
fn reminders(order: &Model, policy: &Policy) -> Vec<(&'static str, Option<Instant>)> {
    let (Some(start), Some(agreed)) = (order.starts_at, order.scheduled_at) else {
        return Vec::new();
    };
    if order.arrived_at.is_some() {
        return Vec::new();
    }
    let booking = &policy.booking;
    let before = |minutes| start - TimeDelta::minutes(minutes);
    let leave = start - TimeDelta::seconds(order.snapshot.route_secs + order.snapshot.buffer_secs);
    let leave = Some(leave).filter(|_| order.departed_at.is_none());
    [
        (REMIND_DAY, Some(before(booking.remind_day_min))),
        (REMIND_SOON, Some(before(booking.remind_soon_min))),
        (REMIND_LEAVE, leave),
    ]
    .into_iter()
    .map(|(kind, due)| (kind, due.filter(|due| *due > agreed)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OUT-1: each kind of timer is listed as moved by our outages, or not.
    #[test]
    fn out_1_every_wait_moves_or_stays() {
        for kind in ALL {
            let (moves, stays) = (DEADLINES.contains(kind), STAYING.contains(kind));
            assert!(moves != stays, "{kind}: one of DEADLINES and STAYING");
        }
        assert_eq!(DEADLINES.len() + STAYING.len(), ALL.len());
    }
}
