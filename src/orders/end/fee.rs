//! The cancellation fee: pure (PEN-1 … PEN-3).

use chrono::TimeDelta;
use entity::order::{Model, OrderStatus};
use entity::value::{Bp, Instant, Money, Span};

use crate::policy::Policy;
use platform::scheduler::heartbeat::moved_by_all;

/// Why a client who arrived and was not admitted in time leaves free (ARR-2).
pub const NOT_ADMITTED_IN_TIME: &str = "not_admitted_in_time";

/// The fee for cancelling now, its reason, and the end of free cancelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The fee; zero if free.
    pub amount: Money,
    /// The reason.
    pub why: &'static str,
    /// The end of free cancelling, if it is free for a time.
    pub free_until: Option<Instant>,
}

/// `min(cap, floor(bp × amount / 10000))`; rounded down in the client's favour.
///
/// # Source
/// PEN-3, §19.3.
#[must_use]
pub fn fee(amount: Money, bp: Bp, cap: Money) -> Money {
    bp.floor_of(amount).min(cap).max(Money::ZERO)
}

/// The client's cancellation fee at this instant. `seen_at`: when a device of the client
/// acknowledged the acceptance; `outages`: our outages, oldest first, which extend the free time
/// (OUT-1).
///
/// # Source
/// PEN-2: a quick order is free before the acceptance, and after it until it was seen, but at most
/// for the grace period. PEN-1: a booking is free until a number of minutes before its start; one
/// confirmed later than that is free for a while after it; one that was moved late is not (BK-8).
/// ARR-2: a client who arrived and was not admitted leaves free.
#[must_use]
pub fn quote(
    order: &Model,
    seen_at: Option<Instant>,
    policy: &Policy,
    outages: &[Span],
    now: Instant,
) -> Fee {
    let moved = |due| moved_by_all(due, outages, TimeDelta::seconds(policy.outage.least_s));
    let free = |why, free_until| Fee { amount: Money::ZERO, why, free_until };
    let Some(accepted_at) = order.accepted_at else {
        return free("before_acceptance", None);
    };
    if order.status == OrderStatus::Requested {
        return free("before_acceptance", None);
    }
    if order.arrived_at.is_some() && order.admit_alert_at.is_some_and(|at| now > at) {
        return free(NOT_ADMITTED_IN_TIME, None);
    }
    let amount = fee(order.agreed, order.snapshot.fee_bp, order.snapshot.fee_cap);
    if let Some(free_until) = free_until(order) {
        let fresh = TimeDelta::minutes(order.snapshot.fresh_cancel_min);
        // When the present start was confirmed: by the first acceptance, or by that of a move.
        let agreed_at = order.scheduled_at.unwrap_or(accepted_at);
        let fresh_until = moved(agreed_at + fresh);
        let late = agreed_at > free_until;
        let free_until = moved(free_until);
        return match () {
            () if order.moved_late => Fee { amount, why: "moved_late", free_until: None },
            () if now <= free_until => free("in_time", Some(free_until)),
            () if late && now <= fresh_until => free("fresh_confirmation", Some(fresh_until)),
            () => Fee { amount, why: "late_cancel", free_until: None },
        };
    }
    let grace_end = moved(accepted_at + TimeDelta::seconds(policy.quick.unseen_accept_grace_s));
    let unseen = seen_at.is_none_or(|seen| seen > now);
    if unseen && now <= grace_end {
        return free("acceptance_unseen", Some(grace_end));
    }
    Fee { amount, why: "late_cancel", free_until: None }
}

/// The end of free cancelling of a booking, as shown to its reader: one that was moved late has
/// none (PEN-1, BK-8).
#[must_use]
pub fn shown_until(order: &Model) -> Option<Instant> {
    free_until(order).filter(|_| !order.moved_late)
}

/// The end of free cancelling of a booking (PEN-1); `None` for a quick order.
#[must_use]
pub fn free_until(order: &Model) -> Option<Instant> {
    order.starts_at.map(|start| start - TimeDelta::minutes(order.snapshot.free_cancel_min))
}

/// The fee for a no-show.
#[must_use]
pub fn no_show(order: &Model) -> Money {
    fee(order.agreed, order.snapshot.fee_bp, order.snapshot.fee_cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PEN-3: amounts calculated by hand.
    #[test]
    fn pen_3_fee_is_a_tenth_with_a_cap() {
        for (agreed, due) in [(0, 0), (9, 0), (10, 1), (1999, 199), (2000, 200), (9000, 200)] {
            assert_eq!(fee(Money(agreed), Bp(1000), Money(200)), Money(due), "on {agreed}");
        }
    }
}
