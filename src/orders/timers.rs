//! Which waits a state of an order calls for: pure. The writer arms and disarms the difference.

use chrono::TimeDelta;
use entity::order::{Kind, Model, Status};
use entity::value::Instant;

use crate::policy::Policy;

/// The offer's time (QO-2).
pub const OFFER: &str = "order.offer_deadline";
/// The client's time (QO-4).
pub const ARRIVAL: &str = "order.arrival_deadline";
/// The partner's time to decide about a late client (QO-5).
pub const DECISION: &str = "order.late_decision";
/// Support is told that nobody takes the car in (ARR-2).
pub const ADMIT_ALERT: &str = "order.admit_alert";
/// The clock ends what nobody takes in (ARR-2).
pub const ADMIT: &str = "order.admit_deadline";
/// A freeze ends (ARR-2).
pub const FROZEN: &str = "order.frozen";
/// A branch confirms a booking by itself (BK-4).
pub const AUTO_CONFIRM: &str = "order.auto_confirm";
/// A booking burns (BK-5, BK-6).
pub const BURN: &str = "order.burn";
/// A proposal is over (ADD-1, BK-8).
pub const PROPOSAL: &str = "order.proposal_deadline";
/// A branch agrees to a proposal by itself (ADD-1, BK-8).
pub const AUTO_AGREE: &str = "order.auto_agree";
/// A day before a booking (NOT-1).
pub const REMIND_DAY: &str = "order.remind_day";
/// Shortly before a booking (NOT-1).
pub const REMIND_SOON: &str = "order.remind_soon";
/// Leave now (NOT-1).
pub const REMIND_LEAVE: &str = "order.remind_leave";
/// Is the bay of a booking free when it begins (BK-10)?
pub const BAY_CHECK: &str = "order.bay_check";
/// The time of a car in its bay is over (BK-10).
pub const OVERRUN: &str = "order.overrun";
/// The partner was shut out (SAN-4).
pub const SHUT_OUT: &str = "order.shut_out";
/// Nobody said that it was served.
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
    SHUT_OUT,
    AUTO_COMPLETE,
];

/// Those that hold somebody to a time, and so move with our own outages (OUT-1).
pub const DEADLINES: &[&str] =
    &[OFFER, ARRIVAL, DECISION, ADMIT_ALERT, ADMIT, FROZEN, BURN, PROPOSAL, AUTO_COMPLETE];

/// Those that stay, for nobody is held to them: acts of the branch's own settings, reminders,
/// looks.
pub const STAYING: &[&str] = &[
    AUTO_CONFIRM,
    AUTO_AGREE,
    REMIND_DAY,
    REMIND_SOON,
    REMIND_LEAVE,
    BAY_CHECK,
    OVERRUN,
    SHUT_OUT,
];

/// The last instant at which an offer can be answered: a quick one has a grace shown to no one
/// (QO-2, BK-3).
#[must_use]
pub fn offer_end(order: &Model, policy: &Policy) -> Option<Instant> {
    let grace = match order.kind {
        Kind::Quick => TimeDelta::seconds(policy.quick.net_grace_s),
        Kind::Booking => TimeDelta::zero(),
    };
    order.offer_deadline.map(|due| due + grace)
}

/// The waits of a state.
#[must_use]
pub fn of(order: &Model, policy: &Policy) -> Vec<(&'static str, Instant)> {
    let waits: Vec<(&'static str, Option<Instant>)> = match order.status {
        Status::Requested => vec![(OFFER, offer_end(order, policy))],
        Status::Confirmed | Status::OnTheWay => {
            let mut waits = awaited(order);
            waits.push((PROPOSAL, order.proposal.as_ref().map(|proposal| proposal.expires_at)));
            if order.kind == Kind::Booking {
                waits.push((BAY_CHECK, order.taken_from));
                waits.extend(reminders(order, policy));
            }
            waits
        }
        Status::Active => {
            let after = TimeDelta::hours(policy.order.auto_complete_h);
            vec![
                (AUTO_COMPLETE, order.planned_end.map(|end| end + after)),
                (OVERRUN, order.taken_until.filter(|_| order.bay_id.is_some())),
            ]
        }
        Status::Completed | Status::Cancelled => Vec::new(),
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
        Kind::Quick if order.overdue_at.is_some() => vec![(DECISION, order.decision_deadline)],
        Kind::Quick => vec![(ARRIVAL, order.arrival_deadline)],
        Kind::Booking => vec![(BURN, burns_at(order))],
    }
}

/// When a booking burns: nobody set out, or nobody came (BK-5, BK-6).
#[must_use]
pub fn burns_at(order: &Model) -> Option<Instant> {
    if order.departed_at.is_some() { order.arrival_deadline } else { order.depart_deadline }
}

/// When the client is reminded; only of what is still to come when the start was agreed (NOT-5).
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

    /// OUT-1: of every wait it was decided whether our own outages move it.
    #[test]
    fn out_1_every_wait_moves_or_stays() {
        for kind in ALL {
            let (moves, stays) = (DEADLINES.contains(kind), STAYING.contains(kind));
            assert!(moves != stays, "{kind}: one of DEADLINES and STAYING");
        }
        assert_eq!(DEADLINES.len() + STAYING.len(), ALL.len());
    }
}
