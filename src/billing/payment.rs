//! Where a payment may go from where it stands: pure (BAL-5, PEN-5, PEN-7).

use chrono::TimeDelta;
use entity::payment::{Model, PaymentState};
use entity::value::{Instant, Money};

use super::Refusal;

/// The payment once its money came; none where it was there already. Money that comes late counts
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

/// The payment that will not come, or that nobody waits for any more; none where it is decided.
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

/// Is money for it still waited for? After a card that was refused a second one may be good on the
/// same page, if there is one; when its time is over it is looked at once more (BAL-5).
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

/// May the partner have its top-up back, as far as the payment itself says?
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

/// Until when a top-up may go back.
#[must_use]
pub fn refund_until(row: &Model, hours: i64) -> Option<Instant> {
    row.paid_at.map(|at| at + TimeDelta::hours(hours))
}

/// What of a payment's money is still here, and not on its way back.
#[must_use]
pub fn here(row: &Model) -> Money {
    match row.state {
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => Money::ZERO,
        PaymentState::Paid | PaymentState::Refunding | PaymentState::Refunded => {
            Money(row.amount.0 - row.to_return.0)
        }
    }
}

/// The payment with so much of it on its way back.
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

/// The payment as the provider is about to be asked, until then, for what is on its way back; none
/// where nothing is. What it was asked before and did not answer for comes first.
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

/// The payment after what the provider was asked for has gone back; none where nothing was asked.
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

/// The payment after the provider refused to give back what it was asked for.
#[must_use]
pub fn kept(row: &Model) -> Option<(Model, Money)> {
    let amount = row.asked?;
    let answered = Model { asked: None, busy_until: None, ..row.clone() };
    Some((stays(&answered, amount), amount))
}

/// What of a payment's way back nobody outside knows of yet: it may still stay.
#[must_use]
pub fn unasked(row: &Model) -> Money {
    match row.asked {
        Some(_) => Money::ZERO,
        None => Money(row.to_return.0 - row.returned.0),
    }
}

/// The payment with so much of its way back called off.
#[must_use]
pub fn stays(row: &Model, amount: Money) -> Model {
    let to_return = Money(row.to_return.0 - amount.0);
    let next = Model { to_return, refunds: row.refunds + 1, ..row.clone() };
    Model { state: standing(&next), ..next }
}

/// The payment after its provider took so much of it back by itself; none where it is not here, or
/// is on its way back already (LIM-11).
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
#[path = "payment_table.rs"]
mod tests;
