//! The state transitions of a penalty. Pure (PEN-5, PEN-7).

use chrono::TimeDelta;
use entity::penalty::{Model, PenaltyState};
use entity::value::{Instant, Money};

use crate::billing::Refusal;

/// The instant until which a penalty may be disputed or waived.
#[must_use]
pub fn dispute_until(row: &Model, days: i64) -> Instant {
    row.created_at + TimeDelta::days(days)
}

/// The unpaid amount.
#[must_use]
pub fn left(row: &Model) -> Money {
    Money(row.amount.0 - row.paid.0)
}

/// The penalty after a payment of at most the unpaid amount: paid once nothing is left, unless it
/// is disputed.
///
/// # Errors
/// `penalty_waived`, `penalty_overpaid`.
pub fn paid(row: &Model, amount: Money, now: Instant) -> Result<Model, Refusal> {
    match row.state {
        PenaltyState::Waived => return Err(Refusal::Waived),
        PenaltyState::Pending | PenaltyState::Paid | PenaltyState::Disputed => {}
    }
    if amount > left(row) {
        return Err(Refusal::Overpaid);
    }
    let next =
        Model { paid: Money(row.paid.0 + amount.0), payments: row.payments + 1, ..row.clone() };
    let full = left(&next) == Money::ZERO;
    let state = if row.state == PenaltyState::Pending { standing(&next) } else { row.state };
    Ok(Model { state, settled_at: full.then_some(now), ..next })
}

/// The penalty under dispute; possible once, and in time.
///
/// # Errors
/// `penalty_disputed`, `penalty_waived`, `dispute_decided`, `dispute_over`.
pub fn disputed(row: &Model, reason: &str, days: i64, now: Instant) -> Result<Model, Refusal> {
    match row.state {
        PenaltyState::Disputed => return Err(Refusal::Disputed),
        PenaltyState::Waived => return Err(Refusal::Waived),
        PenaltyState::Pending | PenaltyState::Paid => {}
    }
    if row.disputed_at.is_some() {
        return Err(Refusal::Decided);
    }
    if now > dispute_until(row, days) {
        return Err(Refusal::DisputeOver);
    }
    Ok(Model {
        state: PenaltyState::Disputed,
        disputed_at: Some(now),
        dispute_reason: Some(reason.to_owned()),
        ..row.clone()
    })
}

/// The penalty after its dispute was rejected: a debt again, or paid.
///
/// # Errors
/// `penalty_not_disputed`.
pub fn rejected(row: &Model) -> Result<Model, Refusal> {
    match row.state {
        PenaltyState::Disputed => Ok(Model { state: standing(row), ..row.clone() }),
        PenaltyState::Pending | PenaltyState::Paid | PenaltyState::Waived => {
            Err(Refusal::NotDisputed)
        }
    }
}

/// The penalty after a waiver: possible in time, or while a dispute is open.
///
/// # Errors
/// `penalty_waived`, `dispute_over`.
pub fn waived(row: &Model, days: i64, now: Instant) -> Result<Model, Refusal> {
    match row.state {
        PenaltyState::Waived => return Err(Refusal::Waived),
        PenaltyState::Pending | PenaltyState::Paid if now > dispute_until(row, days) => {
            return Err(Refusal::DisputeOver);
        }
        PenaltyState::Pending | PenaltyState::Paid | PenaltyState::Disputed => {}
    }
    let given_back = i32::from(row.paid.is_positive());
    Ok(Model {
        state: PenaltyState::Waived,
        paid: Money::ZERO,
        payments: row.payments + given_back,
        settled_at: None,
        ..row.clone()
    })
}

/// The penalty with the state it had before its waiver.
///
/// # Errors
/// `penalty_not_waived`.
pub fn reinstated(
    row: &Model,
    (state, paid, settled_at): (PenaltyState, Money, Option<Instant>),
) -> Result<Model, Refusal> {
    match row.state {
        PenaltyState::Waived => {}
        PenaltyState::Pending | PenaltyState::Paid | PenaltyState::Disputed => {
            return Err(Refusal::NotWaived);
        }
    }
    let shared_again = i32::from(paid.is_positive());
    let payments = row.payments + shared_again;
    Ok(Model { state, paid, settled_at, payments, ..row.clone() })
}

/// The penalty after a payment for it was charged back: a debt again; none where nothing of it was
/// paid (LIM-11).
#[must_use]
pub fn charged_back(row: &Model, amount: Money) -> Option<Model> {
    let gone = amount.min(row.paid);
    if row.state == PenaltyState::Waived || !gone.is_positive() {
        return None;
    }
    let (state, paid, settled_at) = without((row.state, row.paid, row.settled_at), gone);
    Some(Model { state, paid, settled_at, payments: row.payments + 1, ..row.clone() })
}

/// The state before the waiver, less what was refunded since.
#[must_use]
pub fn without(
    (state, paid, settled_at): (PenaltyState, Money, Option<Instant>),
    gone: Money,
) -> (PenaltyState, Money, Option<Instant>) {
    if !gone.is_positive() {
        return (state, paid, settled_at);
    }
    let state = if state == PenaltyState::Paid { PenaltyState::Pending } else { state };
    (state, Money(paid.0 - gone.0), None)
}

fn standing(row: &Model) -> PenaltyState {
    if left(row) == Money::ZERO { PenaltyState::Paid } else { PenaltyState::Pending }
}

#[cfg(test)]
mod tests {
    use PenaltyState::{Disputed, Paid, Pending, Waived};
    use entity::value::{OrderId, PartnerId, PenaltyId, PersonId};
    use uuid::Uuid;

    use super::*;

    fn day(n: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::days(n)
    }

    fn row(state: PenaltyState, paid: i64) -> Model {
        Model {
            id: PenaltyId(Uuid::nil()),
            order_id: OrderId(Uuid::nil()),
            client_id: PersonId(Uuid::nil()),
            partner_id: PartnerId(Uuid::nil()),
            amount: Money(150),
            paid: Money(paid),
            state,
            payments: i32::from(paid > 0),
            disputed_at: None,
            dispute_reason: None,
            settled_at: None,
            created_at: day(0),
            version: 1,
        }
    }

    fn became(step: Result<Model, Refusal>) -> Result<(PenaltyState, i64, i32), Refusal> {
        step.map(|row| (row.state, row.paid.0, row.payments))
    }

    /// PEN-5: every state and every transition, tabulated by hand.
    #[test]
    fn pen_5_where_a_penalty_may_go() {
        let pay = |state, had, more| became(paid(&row(state, had), Money(more), day(1)));
        assert_eq!(pay(Pending, 0, 149), Ok((Pending, 149, 1)));
        assert_eq!(pay(Pending, 149, 1), Ok((Paid, 150, 2)));
        assert_eq!(pay(Pending, 149, 2), Err(Refusal::Overpaid));
        assert_eq!(pay(Disputed, 0, 150), Ok((Disputed, 150, 1)));
        assert_eq!(pay(Paid, 150, 1), Err(Refusal::Overpaid));
        assert_eq!(pay(Waived, 0, 1), Err(Refusal::Waived));

        let dispute = |state, at| became(disputed(&row(state, 0), "No", 7, at));
        assert_eq!(dispute(Pending, day(7)), Ok((Disputed, 0, 0)));
        assert_eq!(dispute(Paid, day(7)), Ok((Disputed, 0, 0)));
        assert_eq!(
            dispute(Pending, day(7) + TimeDelta::microseconds(1)),
            Err(Refusal::DisputeOver)
        );
        assert_eq!(dispute(Disputed, day(1)), Err(Refusal::Disputed));
        assert_eq!(dispute(Waived, day(1)), Err(Refusal::Waived));
        let again = Model { disputed_at: Some(day(1)), ..row(Pending, 0) };
        assert_eq!(became(disputed(&again, "No", 7, day(2))), Err(Refusal::Decided));

        let reject = |state, had| became(rejected(&row(state, had)));
        assert_eq!(reject(Disputed, 149), Ok((Pending, 149, 1)));
        assert_eq!(reject(Disputed, 150), Ok((Paid, 150, 1)));
        for state in [Pending, Paid, Waived] {
            assert_eq!(reject(state, 0), Err(Refusal::NotDisputed));
        }
    }

    /// PEN-7: a penalty can be waived in time, or at any time under dispute, and reinstated.
    #[test]
    fn pen_7_what_may_be_undone() {
        let waive = |state, had, at| became(waived(&row(state, had), 7, at));
        assert_eq!(waive(Pending, 0, day(7)), Ok((Waived, 0, 0)));
        assert_eq!(waive(Paid, 150, day(7)), Ok((Waived, 0, 2)));
        assert_eq!(waive(Pending, 0, day(8)), Err(Refusal::DisputeOver));
        assert_eq!(waive(Paid, 150, day(8)), Err(Refusal::DisputeOver));
        assert_eq!(waive(Disputed, 50, day(30)), Ok((Waived, 0, 2)));
        assert_eq!(waive(Waived, 0, day(1)), Err(Refusal::Waived));

        let back = |state, was| became(reinstated(&row(state, 0), was));
        assert_eq!(back(Waived, (Paid, Money(150), Some(day(1)))), Ok((Paid, 150, 1)));
        assert_eq!(back(Waived, (Disputed, Money(0), None)), Ok((Disputed, 0, 0)));
        for state in [Pending, Paid, Disputed] {
            assert_eq!(back(state, (Pending, Money(0), None)), Err(Refusal::NotWaived));
        }
        let was = (Paid, Money(150), Some(day(1)));
        assert_eq!(without(was, Money(0)), was);
        assert_eq!(without(was, Money(50)), (Pending, Money(100), None));
        assert_eq!(without((Disputed, Money(50), None), Money(50)), (Disputed, Money(0), None));
    }
}
