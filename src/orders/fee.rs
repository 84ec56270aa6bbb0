//! What cancelling costs: pure (PEN-2, PEN-3).

use chrono::TimeDelta;
use entity::order::{Model, Status};
use entity::value::{Bp, Instant, Money};

use crate::policy::Policy;

/// What cancelling costs now, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// Nothing, or the fee.
    pub amount: Money,
    /// Why.
    pub why: &'static str,
    /// Free until then, where it is free for a time.
    pub free_until: Option<Instant>,
}

/// `min(cap, floor(bp × amount / 10000))`; rounded down, the client gains the rest.
///
/// # Source
/// PEN-3, §19.3.
#[must_use]
pub fn fee(amount: Money, bp: Bp, cap: Money) -> Money {
    bp.floor_of(amount).min(cap).max(Money::ZERO)
}

/// What the client's cancelling costs at this instant. `seen_at`: when a device of the client
/// acknowledged the acceptance.
///
/// # Source
/// PEN-2: free before the acceptance, and until it was seen, at most for the grace after it. ARR-2:
/// a client who arrived and was not taken in leaves free.
#[must_use]
pub fn quote(order: &Model, seen_at: Option<Instant>, policy: &Policy, now: Instant) -> Fee {
    let free = |why, free_until| Fee { amount: Money::ZERO, why, free_until };
    let Some(accepted_at) = order.accepted_at else {
        return free("before_acceptance", None);
    };
    if order.status == Status::Requested {
        return free("before_acceptance", None);
    }
    if order.arrived_at.is_some() && order.admit_alert_at.is_some_and(|at| now > at) {
        return free("not_admitted_in_time", None);
    }
    let grace_end = accepted_at + TimeDelta::seconds(policy.quick.unseen_accept_grace_s);
    let unseen = seen_at.is_none_or(|seen| seen > now);
    if unseen && now <= grace_end {
        return free("acceptance_unseen", Some(grace_end));
    }
    let amount = fee(order.agreed, order.snapshot.fee_bp, order.snapshot.fee_cap);
    Fee { amount, why: "late_cancel", free_until: None }
}

/// What a no-show costs.
#[must_use]
pub fn no_show(order: &Model) -> Money {
    fee(order.agreed, order.snapshot.fee_bp, order.snapshot.fee_cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PEN-3: amounts written down by hand.
    #[test]
    fn pen_3_fee_is_a_tenth_with_a_cap() {
        for (agreed, due) in [(0, 0), (9, 0), (10, 1), (1999, 199), (2000, 200), (9000, 200)] {
            assert_eq!(fee(Money(agreed), Bp(1000), Money(200)), Money(due), "on {agreed}");
        }
    }
}
