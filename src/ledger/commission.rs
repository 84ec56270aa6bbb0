//! The commission by bracket (COM-1). Pure.

use entity::order;
use entity::value::{Bp, Money};

use crate::policy::keys::{Bracket, CommissionKeys, CommissionMode};

/// The commission on an order's amount, rounded down to the qəpik: the partner gains the rest.
///
/// # Source
/// COM-1, §6.3.
#[must_use]
pub fn commission(amount: Money, policy: &CommissionKeys) -> Money {
    if !amount.is_positive() {
        return Money::ZERO;
    }
    match policy.mode {
        CommissionMode::Flat => flat(amount, &policy.brackets),
        CommissionMode::Monotone => monotone(amount, &policy.brackets),
        CommissionMode::Progressive => progressive(amount, &policy.brackets),
    }
}

/// The amount on which an order's commission is calculated: the order's current amount, or the
/// final amount once there is one, but at least the total its client last agreed to, unless the
/// client or support confirmed a lower one.
///
/// # Source
/// ORD-11, COM-3.
#[must_use]
pub fn base(order: &order::Model) -> Money {
    let amount = order.final_amount.unwrap_or(order.agreed);
    least(amount, order.client_agreed, order.amount_confirmed)
}

/// As [`base`], from an order's amount, the total its client last agreed to, and the lower amount
/// that the client or support confirmed.
#[must_use]
pub fn least(amount: Money, agreed: Money, confirmed: Option<Money>) -> Money {
    amount.max(confirmed.map_or(agreed, |lower| lower.min(agreed)))
}

fn flat(amount: Money, brackets: &[Bracket]) -> Money {
    let found = brackets.iter().find(|b| b.up_to.is_none_or(|up_to| amount.0 <= up_to));
    found.map_or(Money::ZERO, |bracket| bracket.rate_bp.floor_of(amount))
}

/// The flat commission, but at least the maximum of each lower bracket.
fn monotone(amount: Money, brackets: &[Bracket]) -> Money {
    let below = brackets
        .iter()
        .filter_map(|b| b.up_to.filter(|up_to| *up_to < amount.0).map(|up_to| (b.rate_bp, up_to)))
        .map(|(rate, up_to)| rate.floor_of(Money(up_to)))
        .max();
    flat(amount, brackets).max(below.unwrap_or(Money::ZERO))
}

/// Each part of the amount at its own bracket's rate; rounded once, at the end.
fn progressive(amount: Money, brackets: &[Bracket]) -> Money {
    let mut from = 0_i64;
    let mut parts = 0_i128;
    for bracket in brackets {
        let until = bracket.up_to.unwrap_or(amount.0).min(amount.0);
        let Bp(rate) = bracket.rate_bp;
        parts += i128::from((until - from).max(0)) * i128::from(rate);
        from = from.max(until);
    }
    Money(i64::try_from(parts.div_euclid(10_000)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(mode: CommissionMode) -> CommissionKeys {
        let text = crate::policy::draft::DEFAULTS;
        let keys: crate::policy::Policy = toml::from_str(text).unwrap();
        CommissionKeys { mode, ..keys.commission }
    }

    /// COM-1: amounts and commissions written down by hand, at and around each edge.
    #[test]
    fn com_1_flat_brackets() {
        let flat = policy(CommissionMode::Flat);
        for (amount, due) in [
            (0, 0),
            (1, 0),
            (11, 0),
            (12, 1),
            (2000, 180),
            (2001, 160),
            (5000, 400),
            (5001, 350),
            (10_000, 700),
            (10_001, 600),
            (20_000, 1200),
            (20_001, 1000),
            (50_000, 2500),
            (50_001, 2000),
            (100_000, 4000),
            (100_001, 3000),
        ] {
            assert_eq!(commission(Money(amount), &flat), Money(due), "on {amount}");
        }
    }

    /// COM-1: the two other modes.
    #[test]
    fn com_1_monotone_and_progressive() {
        let monotone = policy(CommissionMode::Monotone);
        assert_eq!(commission(Money(2001), &monotone), Money(180));
        assert_eq!(commission(Money(2250), &monotone), Money(180));
        assert_eq!(commission(Money(2300), &monotone), Money(184));
        let progressive = policy(CommissionMode::Progressive);
        assert_eq!(commission(Money(2000), &progressive), Money(180));
        assert_eq!(commission(Money(3000), &progressive), Money(260));
        assert_eq!(
            commission(Money(200_000), &progressive),
            Money(180 + 240 + 350 + 600 + 1500 + 2000 + 3000)
        );
    }
}
