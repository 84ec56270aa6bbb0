//! When a payment is looked at again: the next status poll and the next reconciliation (BAL-5,
//! LIM-11).

use chrono::TimeDelta;
use entity::kinds::TimerKind;
use entity::payment::{Driver, Model, PaymentState};
use entity::value::Instant;

use crate::context::Tx;
use crate::policy;
use crate::policy::keys::TopUp;
use platform::CommandError;

/// When a payment is polled next; the last poll is due exactly when the payment expires.
pub(in crate::billing) fn next_poll(row: &Model, keys: &TopUp, now: Instant) -> Instant {
    let young = now - row.created_at < YOUNG;
    let due = now + TimeDelta::minutes(if young { keys.look_min } else { keys.look_again_min });
    if now < row.expires_at { due.min(row.expires_at) } else { due }
}

/// The age up to which a payment is polled more often.
const YOUNG: TimeDelta = TimeDelta::hours(1);
/// The interval between reconciliations.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// Until when a payment is reconciled; none where it can no longer change.
fn until(row: &Model, keys: &TopUp) -> Option<Instant> {
    match (row.driver, row.state) {
        (Driver::Manual, _) | (_, PaymentState::Created | PaymentState::Refunded) => None,
        (_, PaymentState::Paid | PaymentState::Refunding) => {
            row.paid_at.map(|at| at + TimeDelta::days(keys.reconcile_days))
        }
        (_, PaymentState::Failed | PaymentState::Expired) => {
            Some(row.expires_at + TimeDelta::days(keys.reconcile_unpaid_days))
        }
    }
}

/// Arms the next reconciliation, a day from now, while the payment can still change.
///
/// # Errors
/// Faults only.
pub(in crate::billing) fn reconcile_again(tx: &mut Tx, row: &Model) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let next = tx.now() + DAILY;
    if until(row, &keys.topup).is_some_and(|until| next <= until) {
        tx.arm(TimerKind::ReconcilePayment, row.id.0, next);
    } else {
        tx.disarm(TimerKind::ReconcilePayment, row.id.0);
    }
    Ok(())
}
