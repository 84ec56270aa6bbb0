//! Which waits a state of an order calls for: pure. The writer arms and disarms the difference.

use chrono::TimeDelta;
use entity::order::{Model, Status};
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
/// Nobody said that it was served.
pub const AUTO_COMPLETE: &str = "order.auto_complete";

/// All kinds.
pub const ALL: &[&str] = &[OFFER, ARRIVAL, DECISION, ADMIT_ALERT, ADMIT, FROZEN, AUTO_COMPLETE];

/// Those that hold somebody to a time, and so move with our own outages (OUT-1).
pub const DEADLINES: &[&str] = &[OFFER, ARRIVAL, DECISION, ADMIT_ALERT, ADMIT, FROZEN];

/// The waits of a state.
#[must_use]
pub fn of(order: &Model, policy: &Policy) -> Vec<(&'static str, Instant)> {
    let waits: Vec<(&'static str, Option<Instant>)> = match order.status {
        Status::Requested => {
            let grace = TimeDelta::seconds(policy.quick.net_grace_s);
            vec![(OFFER, order.offer_deadline.map(|due| due + grace))]
        }
        Status::Confirmed | Status::OnTheWay => awaited(order),
        Status::Active => {
            let after = TimeDelta::hours(policy.order.auto_complete_h);
            vec![(AUTO_COMPLETE, order.planned_end.map(|end| end + after))]
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
    if order.overdue_at.is_some() {
        return vec![(DECISION, order.decision_deadline)];
    }
    vec![(ARRIVAL, order.arrival_deadline)]
}
