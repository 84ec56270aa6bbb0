//! The allocations of a hold, in the order in which they were taken. Pure (BON-2, COM-3).

use entity::hold::{Leg, Legs};
use entity::value::Money;

/// The allocation of a hold of balance alone.
#[must_use]
pub fn balance(amount: Money) -> Legs {
    Legs(if amount.is_positive() { vec![Leg { amount, pin: None }] } else { Vec::new() })
}

/// The sums of the balance part and of the bonus part.
#[must_use]
pub fn sums(legs: &[Leg]) -> (Money, Money) {
    let of = |bonus: bool| legs.iter().filter(move |leg| leg.pin.is_some() == bonus);
    let sum = |bonus| Money(of(bonus).map(|leg| leg.amount.0).sum());
    (sum(false), sum(true))
}

/// Splits the allocations into those that stay and those that return, worth `by`: the last taken
/// return first (COM-3). Both keep their order.
#[must_use]
pub fn shrink(legs: &[Leg], by: Money) -> (Legs, Legs) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    let mut rest = by.0;
    for leg in legs.iter().rev() {
        let back = rest.clamp(0, leg.amount.0);
        rest -= back;
        let part = |amount| Leg { amount: Money(amount), pin: leg.pin };
        if back > 0 {
            gone.push(part(back));
        }
        if leg.amount.0 > back {
            kept.push(part(leg.amount.0 - back));
        }
    }
    kept.reverse();
    gone.reverse();
    (Legs(kept), Legs(gone))
}

/// The allocations with `more` appended.
#[must_use]
pub fn grown(legs: &Legs, more: Vec<Leg>) -> Legs {
    Legs(legs.0.iter().copied().chain(more).collect())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::hold::Pin;
    use entity::value::LotId;
    use uuid::Uuid;

    use super::*;

    fn of(parts: &[(i64, u128)]) -> Legs {
        let pin = |lot| Pin {
            lot: LotId(Uuid::from_u128(lot)),
            expires_at: DateTime::UNIX_EPOCH,
            left_us: 0,
        };
        let leg = |&(amount, lot): &(i64, u128)| Leg {
            amount: Money(amount),
            pin: (lot > 0).then(|| pin(lot)),
        };
        Legs(parts.iter().map(leg).collect())
    }

    /// COM-3: what was taken last returns first, whatever its source.
    #[test]
    fn com_3_what_was_taken_last_goes_back_first() {
        let held = of(&[(100, 1), (50, 2), (30, 0), (20, 3)]);
        assert_eq!(sums(&held.0), (Money(30), Money(170)));
        assert_eq!(shrink(&held.0, Money(0)), (held.clone(), of(&[])));
        assert_eq!(shrink(&held.0, Money(20)), (of(&[(100, 1), (50, 2), (30, 0)]), of(&[(20, 3)])));
        assert_eq!(
            shrink(&held.0, Money(75)),
            (of(&[(100, 1), (25, 2)]), of(&[(25, 2), (30, 0), (20, 3)]))
        );
        assert_eq!(shrink(&held.0, Money(200)), (of(&[]), held.clone()));
        assert_eq!(grown(&of(&[(5, 0)]), of(&[(7, 4)]).0), of(&[(5, 0), (7, 4)]));
        assert_eq!(balance(Money(0)), of(&[]));
    }
}
