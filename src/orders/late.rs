//! How long a client is awaited: for a quick order until the arrival deadline and while the partner
//! decides (QO-5), for a booking until it burns (BK-5, BK-6).

use chrono::TimeDelta;
use entity::order::{Model, OrderKind};
use entity::value::Instant;

use super::read::{self, OrderScope};
use super::{Refusal, timers};
use crate::platform::{CommandError, Tx};
use crate::policy::{self, Policy};

/// The last instant at which a client who has not arrived is awaited.
#[must_use]
pub fn awaited_until(order: &Model, policy: &Policy) -> Option<Instant> {
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

/// Checks that the client is still awaited at this instant. After the partner's time to decide only
/// the scheduler acts (ORD-5).
///
/// # Errors
/// `not_in_this_status` with the order, or a fault.
pub fn still_awaited(tx: &Tx, order: &Model, scope: OrderScope) -> Result<(), CommandError> {
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let over = awaited_until(order, &keys).is_some_and(|end| tx.now() > end);
    if over && order.arrived_at.is_none() && order.frozen_until.is_none() {
        return Err(read::refuse(Refusal::NotNow, order, scope).into());
    }
    Ok(())
}
