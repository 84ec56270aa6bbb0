//! The split of a paid penalty between partner and operator. Pure (PEN-5).

use entity::value::{Bp, Money};

/// Both sides' parts of an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The partner's part.
    pub partner: Money,
    /// The operator's part.
    pub operator: Money,
}

impl Split {
    /// The increase since `before` on each side, so that partial payments add up to a single one.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            partner: Money(self.partner.0 - before.partner.0),
            operator: Money(self.operator.0 - before.operator.0),
        }
    }
}

/// Splits everything that was paid so far; the operator's part is rounded down, so the partner
/// gains the odd qəpik.
///
/// # Source
/// PEN-5, §19.
#[must_use]
pub fn split(paid: Money, partner: Bp) -> Split {
    let operator = Bp(10_000 - partner.0).floor_of(paid);
    Split { partner: Money(paid.0 - operator.0), operator }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(paid: i64, bp: i32) -> (i64, i64) {
        let split = split(Money(paid), Bp(bp));
        (split.partner.0, split.operator.0)
    }

    /// PEN-5: halves, the odd qəpik to the partner; other rates round the same way.
    #[test]
    fn pen_5_the_odd_qepik_is_the_partners() {
        assert_eq!(parts(0, 5000), (0, 0));
        assert_eq!(parts(1, 5000), (1, 0));
        assert_eq!(parts(2, 5000), (1, 1));
        assert_eq!(parts(100, 5000), (50, 50));
        assert_eq!(parts(101, 5000), (51, 50));
        assert_eq!(parts(100, 3333), (34, 66));
        assert_eq!(parts(100, 0), (0, 100));
        assert_eq!(parts(100, 10_000), (100, 0));
    }

    /// PEN-5: however a sum is paid in parts, the splits add up to that of a single payment.
    #[test]
    fn pen_5_part_payments_end_equal_to_one() {
        let mut sum = (0, 0);
        for (before, after) in [(0, 1), (1, 2), (2, 50), (50, 99), (99, 101)] {
            let half = |paid| split(Money(paid), Bp(5000));
            let more = half(after).since(half(before));
            assert!(more.partner.0 >= 0 && more.operator.0 >= 0);
            sum = (sum.0 + more.partner.0, sum.1 + more.operator.0);
        }
        assert_eq!(sum, (51, 50));
    }
}
