//! The allocations of a hold, in the order in which they were taken. Pure (BON-2, COM-3).

use entity::hold::{Allocation, Allocations};
use entity::value::Money;

/// The allocation of a hold of balance alone.
#[must_use]
pub fn balance(amount: Money) -> Allocations {
    Allocations(if amount.is_positive() {
        vec![Allocation { amount, pin: None }]
    } else {
        Vec::new()
    })
}

/// The sums of the balance part and of the bonus part.
#[must_use]
pub fn sums(allocations: &[Allocation]) -> (Money, Money) {
    let of = |bonus: bool| {
        allocations.iter().filter(move |allocation| allocation.pin.is_some() == bonus)
    };
    let sum = |bonus| Money(of(bonus).map(|allocation| allocation.amount.0).sum());
    (sum(false), sum(true))
}

/// Splits the allocations into those that stay and those that return, worth `by`: the last taken
/// return first (COM-3). Both keep their order.
#[must_use]
pub fn shrink(allocations: &[Allocation], by: Money) -> (Allocations, Allocations) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    let mut rest = by.0;
    for allocation in allocations.iter().rev() {
        let back = rest.clamp(0, allocation.amount.0);
        rest -= back;
        let part = |amount| Allocation { amount: Money(amount), pin: allocation.pin };
        if back > 0 {
            gone.push(part(back));
        }
        if allocation.amount.0 > back {
            kept.push(part(allocation.amount.0 - back));
        }
    }
    kept.reverse();
    gone.reverse();
    (Allocations(kept), Allocations(gone))
}

/// The allocations with `more` appended.
#[must_use]
pub fn grown(allocations: &Allocations, more: Vec<Allocation>) -> Allocations {
    Allocations(allocations.0.iter().copied().chain(more).collect())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::hold::ReservedLot;
    use entity::value::LotId;
    use uuid::Uuid;

    use super::*;

    fn of(parts: &[(i64, u128)]) -> Allocations {
        let pin = |lot| ReservedLot {
            lot: LotId(Uuid::from_u128(lot)),
            expires_at: DateTime::UNIX_EPOCH,
            left_us: 0,
        };
        let allocation = |&(amount, lot): &(i64, u128)| Allocation {
            amount: Money(amount),
            pin: (lot > 0).then(|| pin(lot)),
        };
        Allocations(parts.iter().map(allocation).collect())
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
