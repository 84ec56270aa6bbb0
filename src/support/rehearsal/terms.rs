//! The cost of an order under a policy version, from its recorded instants. Pure.

use chrono::TimeDelta;
use entity::order::{EndReason, Model, OrderKind, OrderStatus};
use entity::value::{Actor, Instant, Money, Span};

use crate::ledger::commission::{base, commission};
use crate::orders::decision::NoFacts;
use crate::orders::end::burn::Burn;
use crate::orders::end::cancel::{CancelByClient, CancelFacts, Quoted};
use crate::orders::end::lapse::{NoShow, NoShowFacts};
use crate::policy::Policy;

/// The cost of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// The partner's commission.
    pub commission: Money,
    /// The client's penalty.
    pub penalty: Money,
}

/// The cost of an order under its snapshot's version: the commission on the final amount (COM-1),
/// and the fee of its end (PEN-1, PEN-2, PEN-3).
pub(super) fn cost(
    order: &Model,
    seen_at: Option<Instant>,
    outages: &[Span],
    keys: &Policy,
) -> Cost {
    let done = order.status == OrderStatus::Completed;
    Cost {
        commission: if done { commission(base(order), &keys.commission) } else { Money::ZERO },
        penalty: penalty(order, seen_at, outages, keys),
    }
}

/// The fee of the order's end: what the rule of the command that ended it decides, asked again at
/// that instant about the order as it was before. Where the rule would have refused, none is due.
fn penalty(order: &Model, seen_at: Option<Instant>, outages: &[Span], keys: &Policy) -> Money {
    let (Some(reason), Some(at)) = (order.reason, order.cancelled_at) else { return Money::ZERO };
    let open = before_end(order);
    let decided = match reason {
        // A client who left after admission did so because the class was corrected: free (ORD-10).
        EndReason::ClientCancelled if order.admitted_at.is_none() => {
            let facts = CancelFacts { seen_at, outages, quoted: Quoted::Nothing };
            CancelByClient::decide(&open, &facts, keys, at)
        }
        EndReason::NoShow => NoShow::decide(&open, &NoShowFacts { by: Actor::Staff }, keys, at),
        EndReason::Burned => Burn::decide(&open, &NoFacts, keys, at),
        EndReason::ClientCancelled
        | EndReason::Declined
        | EndReason::OfferExpired
        | EndReason::PartnerCancelled
        | EndReason::NotAdmitted
        | EndReason::PartnerBlocked
        | EndReason::SupportCancelled => return Money::ZERO,
    };
    decided.ok().and_then(|step| step.next.penalty).unwrap_or_default()
}

/// The order as it was before it ended.
fn before_end(order: &Model) -> Model {
    let status = match (order.accepted_at, order.departed_at) {
        (None, _) => OrderStatus::Requested,
        (Some(_), None) => OrderStatus::Confirmed,
        (Some(_), Some(_)) => OrderStatus::OnTheWay,
    };
    Model { status, reason: None, cancelled_at: None, penalty: None, ..order.clone() }
}

/// Whether the order's end counts against the client: a fee was due, or the client did not come
/// (SAN-1).
pub(super) fn faulty(order: &Model, cost: Cost) -> bool {
    match order.reason {
        Some(EndReason::NoShow | EndReason::Burned) => true,
        Some(
            EndReason::ClientCancelled
            | EndReason::Declined
            | EndReason::OfferExpired
            | EndReason::PartnerCancelled
            | EndReason::NotAdmitted
            | EndReason::PartnerBlocked
            | EndReason::SupportCancelled,
        )
        | None => cost.penalty.is_positive(),
    }
}

/// The order as if it had been placed under the draft: rates, caps, free windows, and the time
/// after which a client who was not admitted may leave free. A branch's own window stays, within
/// the draft's bounds.
pub(super) fn rewritten(order: &Model, pinned: &Policy, draft: &Policy) -> Model {
    let booking = &draft.booking;
    let mut next = order.clone();
    let snapshot = &mut next.snapshot;
    (snapshot.fee_bp, snapshot.fee_cap) = match order.kind {
        OrderKind::Quick => (draft.quick.fee_bp, draft.quick.fee_cap),
        OrderKind::Booking => (booking.fee_bp, booking.fee_cap),
    };
    snapshot.fresh_cancel_min = booking.fresh_cancel_min;
    snapshot.free_cancel_min = if snapshot.free_cancel_min == pinned.booking.free_cancel_min {
        booking.free_cancel_min
    } else {
        let least = booking.free_cancel_least_min;
        snapshot.free_cancel_min.max(least).min(booking.free_cancel_most_min)
    };
    let later = TimeDelta::minutes(draft.arrival.admit_min - pinned.arrival.admit_min);
    next.admit_alert_at = order.admit_alert_at.map(|at| at + later);
    next
}
