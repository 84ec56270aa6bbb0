//! The velocity rules, which detect bonus that is being turned into cash. Pure (LIM-6).

use chrono::TimeDelta;
use entity::value::{Instant, Money};

use crate::policy::keys::BonusKeys;

/// A rule that holds a branch's payable for a bonus-paid order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum HoldRule {
    /// The same client paid the same branch with bonus too often in seven days.
    PairOrders,
    /// Bonus was too large a share of the branch's turnover in seven days.
    WeekShare,
    /// The order is the first of a new account.
    NewAccount,
    /// The client never registered a device.
    NoDevice,
}

/// The inputs of the rules, about the client and the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Bonus-paid orders of this client at this branch in seven days, this one included.
    pub pair_orders: usize,
    /// Orders that the branch completed in seven days.
    pub week_orders: usize,
    /// The total of those orders.
    pub week_total: Money,
    /// The part of it that was paid with bonus.
    pub week_bonus: Money,
    /// Whether the client completed no order before this one.
    pub first_order: bool,
    /// When the client's account was created.
    pub account_since: Instant,
    /// Whether the client ever registered a device.
    pub device: bool,
}

/// The rules that hold the payable at this instant; none where it may be settled.
///
/// # Source
/// LIM-6.
#[must_use]
pub fn holding(facts: &Facts, keys: &BonusKeys, now: Instant) -> Vec<HoldRule> {
    let share = i128::from(facts.week_bonus.0) * 100;
    let allowed = i128::from(facts.week_total.0) * i128::from(keys.week_share_pct);
    let new_until = facts.account_since + TimeDelta::days(keys.new_account_days);
    [
        (facts.pair_orders >= keys.pair_orders_7d, HoldRule::PairOrders),
        (facts.week_orders >= keys.week_orders_min && share > allowed, HoldRule::WeekShare),
        (facts.first_order && now < new_until, HoldRule::NewAccount),
        (!facts.device, HoldRule::NoDevice),
    ]
    .into_iter()
    .filter_map(|(holds, rule)| holds.then_some(rule))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::draft::DEFAULTS;

    fn at(day: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn quiet() -> Facts {
        Facts {
            pair_orders: 1,
            week_orders: 10,
            week_total: Money(10_000),
            week_bonus: Money(5_000),
            first_order: false,
            account_since: at(0),
            device: true,
        }
    }

    /// LIM-6: two orders of a pair in a week, more than half of a week's turnover, the first order
    /// of an account younger than seven days, no device: each is enough to hold the payable.
    #[test]
    fn lim_6_each_rule_holds_by_itself() {
        let keys = crate::policy::draft::keys(DEFAULTS).unwrap().bonus;
        let held = |facts: Facts, day: i64| holding(&facts, &keys, at(day));
        assert_eq!(held(quiet(), 1), []);
        assert_eq!(held(Facts { pair_orders: 2, ..quiet() }, 1), [HoldRule::PairOrders]);
        assert_eq!(held(Facts { week_bonus: Money(5_001), ..quiet() }, 1), [HoldRule::WeekShare]);
        let few = Facts { week_bonus: Money(9_000), week_orders: 4, ..quiet() };
        assert_eq!(held(few, 1), [], "four orders say nothing about a week");
        let first = Facts { first_order: true, ..quiet() };
        assert_eq!(held(first.clone(), 6), [HoldRule::NewAccount]);
        assert_eq!(held(first, 7), [], "an account of seven days is not new");
        assert_eq!(held(Facts { device: false, ..quiet() }, 1), [HoldRule::NoDevice]);
        let all = Facts { pair_orders: 3, device: false, first_order: true, ..quiet() };
        assert_eq!(held(all, 2), [HoldRule::PairOrders, HoldRule::NewAccount, HoldRule::NoDevice]);
        assert_eq!(HoldRule::PairOrders.to_string(), "pair_orders");
    }
}
