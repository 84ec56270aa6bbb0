//! The state transitions of a payment. Pure (BAL-5, PEN-5, PEN-7).

use chrono::TimeDelta;
use entity::payment::{Model, PaymentState};
use entity::value::{Instant, Money};

use crate::billing::Refusal;

/// The payment after its money was received; none where it was received before. Late money counts
/// too.
///
/// # Errors
/// `payment_amount_wrong` when it is not the amount that was asked for.
pub fn came(row: &Model, amount: Money, now: Instant) -> Result<Option<Model>, Refusal> {
    match row.state {
        PaymentState::Paid | PaymentState::Refunding | PaymentState::Refunded => Ok(None),
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => {
            if amount != row.amount {
                return Err(Refusal::PaymentAmountWrong);
            }
            let state = PaymentState::Paid;
            Ok(Some(Model { state, paid_at: Some(now), last_look_at: Some(now), ..row.clone() }))
        }
    }
}

/// The payment after it failed or expired; none where it is decided already.
#[must_use]
pub fn given_up(row: &Model, state: PaymentState, now: Instant) -> Option<Model> {
    match row.state {
        PaymentState::Created => Some(Model { state, last_look_at: Some(now), ..row.clone() }),
        PaymentState::Paid
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Refunding
        | PaymentState::Refunded => None,
    }
}

/// Whether the payment is still polled. After a refused card the payer may use another one on the
/// same page, if there is one; at its expiry the payment is polled once more (BAL-5).
#[must_use]
pub fn awaited(row: &Model, now: Instant) -> bool {
    match row.state {
        PaymentState::Created => true,
        PaymentState::Failed => {
            let looked_last = row.last_look_at.is_some_and(|at| at >= row.expires_at);
            row.redirect_url.is_some() && (now < row.expires_at || !looked_last)
        }
        PaymentState::Paid
        | PaymentState::Expired
        | PaymentState::Refunding
        | PaymentState::Refunded => false,
    }
}

/// Whether the partner may take the top-up back, as far as the payment's row decides it.
///
/// # Errors
/// `payment_not_paid`, `refund_running`, `payment_refunded`, `refund_over`.
pub fn refundable(row: &Model, hours: i64, now: Instant) -> Result<(), Refusal> {
    match row.state {
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => {
            Err(Refusal::PaymentNotPaid)
        }
        PaymentState::Refunding => Err(Refusal::RefundRunning),
        PaymentState::Refunded => Err(Refusal::PaymentRefunded),
        PaymentState::Paid if refund_until(row, hours).is_none_or(|until| now > until) => {
            Err(Refusal::RefundOver)
        }
        PaymentState::Paid => Ok(()),
    }
}

/// The instant until which a top-up can be refunded.
#[must_use]
pub fn refund_until(row: &Model, hours: i64) -> Option<Instant> {
    row.paid_at.map(|at| at + TimeDelta::hours(hours))
}

/// The part of a payment's money that is neither returned nor being returned.
#[must_use]
pub fn here(row: &Model) -> Money {
    match row.state {
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => Money::ZERO,
        PaymentState::Paid | PaymentState::Refunding | PaymentState::Refunded => {
            Money(row.amount.0 - row.to_return.0)
        }
    }
}

/// The payment with `amount` more to be returned.
///
/// # Errors
/// `payment_not_paid`, `payment_refunded` when that is more than is here.
pub fn sent_back(row: &Model, amount: Money) -> Result<Model, Refusal> {
    match row.state {
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => {
            Err(Refusal::PaymentNotPaid)
        }
        PaymentState::Refunded => Err(Refusal::PaymentRefunded),
        PaymentState::Paid | PaymentState::Refunding if amount > here(row) => {
            Err(Refusal::PaymentRefunded)
        }
        PaymentState::Paid | PaymentState::Refunding => Ok(Model {
            state: PaymentState::Refunding,
            to_return: Money(row.to_return.0 + amount.0),
            refunds: row.refunds + 1,
            ..row.clone()
        }),
    }
}

/// The payment marked with the refund request that is about to be made, and with the node's lease
/// until `until`; none where nothing is to be returned. An unanswered request is repeated first.
#[must_use]
pub fn asking(row: &Model, until: Instant) -> Option<(Model, Money)> {
    match row.state {
        PaymentState::Refunding => {
            let amount = row.asked.unwrap_or(Money(row.to_return.0 - row.returned.0));
            let (asked, busy_until) = (Some(amount), Some(until));
            Some((Model { asked, busy_until, ..row.clone() }, amount))
        }
        PaymentState::Created
        | PaymentState::Paid
        | PaymentState::Failed
        | PaymentState::Expired
        | PaymentState::Refunded => None,
    }
}

/// The payment after the requested refund was made; none where none was requested.
#[must_use]
pub fn gone_back(row: &Model, now: Instant) -> Option<(Model, Money)> {
    let amount = row.asked?;
    let returned = Money(row.returned.0 + amount.0);
    let refunds = row.refunds + 1;
    let next = Model { returned, asked: None, busy_until: None, refunds, ..row.clone() };
    let state = standing(&next);
    let done = state != PaymentState::Refunding;
    Some((Model { state, refunded_at: if done { Some(now) } else { None }, ..next }, amount))
}

/// The payment after the provider refused the requested refund.
#[must_use]
pub fn kept(row: &Model) -> Option<(Model, Money)> {
    let amount = row.asked?;
    let answered = Model { asked: None, busy_until: None, ..row.clone() };
    Some((stays(&answered, amount), amount))
}

/// The amount to be returned that was not requested from the provider yet, so that it can still be
/// cancelled.
#[must_use]
pub fn unasked(row: &Model) -> Money {
    match row.asked {
        Some(_) => Money::ZERO,
        None => Money(row.to_return.0 - row.returned.0),
    }
}

/// The payment with `amount` less to be returned.
#[must_use]
pub fn stays(row: &Model, amount: Money) -> Model {
    let to_return = Money(row.to_return.0 - amount.0);
    let next = Model { to_return, refunds: row.refunds + 1, ..row.clone() };
    Model { state: standing(&next), ..next }
}

/// The payment after the provider charged back `amount`; none where the payment has less than that,
/// or is being refunded (LIM-11).
#[must_use]
pub fn charged_back(row: &Model, amount: Money, now: Instant) -> Option<Model> {
    let fits = amount.is_positive() && amount <= here(row);
    if row.state != PaymentState::Paid || !fits {
        return None;
    }
    let next = Model {
        to_return: Money(row.to_return.0 + amount.0),
        returned: Money(row.returned.0 + amount.0),
        charged_back: Money(row.charged_back.0 + amount.0),
        refunds: row.refunds + 1,
        last_look_at: Some(now),
        ..row.clone()
    };
    let state = standing(&next);
    let refunded_at = (state == PaymentState::Refunded).then_some(now);
    Some(Model { state, refunded_at, ..next })
}

fn standing(row: &Model) -> PaymentState {
    if row.returned < row.to_return {
        PaymentState::Refunding
    } else if row.returned == row.amount {
        PaymentState::Refunded
    } else {
        PaymentState::Paid
    }
}

#[cfg(test)]
mod tests;
