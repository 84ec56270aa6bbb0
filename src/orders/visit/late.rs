//! Time limits of an order, pure. A client is awaited for a quick order until the arrival deadline
//! and while the partner decides (QO-5), for a booking until it burns (BK-5, BK-6). An admission
//! may be contested for some minutes (ORD-10).

use chrono::TimeDelta;
use entity::order::{Model, OrderKind};
use entity::value::Instant;

use crate::orders::decision::{OutagesSince, Window};
use crate::orders::{Refusal, timers};
use crate::policy::Policy;
use platform::scheduler::heartbeat;

/// The last instant at which a client who has not arrived is awaited; none once an arrival, or a
/// freeze, stopped that deadline.
#[must_use]
pub fn awaited_until(order: &Model, policy: &Policy) -> Option<Instant> {
    if order.arrived_at.is_some() || order.frozen_until.is_some() {
        return None;
    }
    match order.kind {
        OrderKind::Quick => decision_end(order, policy),
        OrderKind::Booking => timers::burns_at(order),
    }
}

/// The last instant at which the partner may still decide about a late client (QO-5).
#[must_use]
pub fn decision_end(order: &Model, policy: &Policy) -> Option<Instant> {
    let after = TimeDelta::minutes(policy.quick.late_decision_min);
    order.decision_deadline.or(order.arrival_deadline.map(|deadline| deadline + after))
}

/// The time in which the client may set out or arrive (BK-5).
#[must_use]
pub fn travel_window(order: &Model, policy: &Policy) -> Window {
    Window { from: order.depart_from, until: awaited_until(order, policy) }
}

/// Checks that the client is still awaited at this instant. After the partner's time to decide only
/// the scheduler acts (ORD-5).
///
/// # Errors
/// `not_in_this_status`.
pub fn still_awaited(order: &Model, policy: &Policy, now: Instant) -> Result<(), Refusal> {
    let over = Window::until(awaited_until(order, policy)).over(now);
    if over { Err(Refusal::NotNow) } else { Ok(()) }
}

/// The time to contest an admission, or to leave after a correction.
#[must_use]
pub fn contest_window(order: &Model, policy: &Policy) -> Window {
    let minutes = TimeDelta::minutes(policy.order.contest_min);
    Window::until(order.admitted_at.map(|at| at + minutes))
}

/// May the client still contest the admission, or leave? Outages extend this period (OUT-1).
#[must_use]
pub fn may_leave(order: &Model, facts: &OutagesSince<'_>, policy: &Policy, now: Instant) -> bool {
    let least = TimeDelta::seconds(policy.outage.least_s);
    let end = contest_window(order, policy).until;
    end.is_some_and(|end| now <= heartbeat::moved_by_all(end, facts.outages, least))
}
