//! The check of balances, bonus, top-ups and payouts: keys that contradict each other, rules that
//! never apply.

use super::Finding;
use crate::policy::Policy;

/// Minutes of a day.
const DAY_MIN: u32 = 1440;
/// Minutes of an hour.
const HOUR_MIN: i64 = 60;

pub(super) fn check(policy: &Policy) -> Vec<Finding> {
    [
        bounds(policy),
        recovery(policy),
        warning(policy),
        gift(policy),
        worth(policy),
        hour(policy),
        roles(policy),
        held(policy),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn bounds(policy: &Policy) -> Option<Finding> {
    let keys = ["topup.min", "topup.max"];
    let says = "The least that is topped up at once is above the most: nothing could be.";
    (policy.topup.min > policy.topup.max).then(|| Finding::error("topup_bounds", &keys, says))
}

fn recovery(policy: &Policy) -> Option<Finding> {
    let keys = ["balance.floor", "balance.unrestrict_at"];
    let says = "A balance recovers below its floor: it would be restricted and not at once.";
    let floor = policy.balance.floor;
    let below = !floor.is_positive() && policy.balance.unrestrict_at < floor;
    below.then(|| Finding::error("unrestrict_below_floor", &keys, says))
}

fn warning(policy: &Policy) -> Option<Finding> {
    let keys = ["bonus.topup_ttl_h", "bonus.warn_min"];
    let says = "The gift of a top-up lives no longer than its warning: it is warned of at once.";
    let at_once = policy.bonus.warn_min >= policy.bonus.topup_ttl_h.saturating_mul(HOUR_MIN);
    at_once.then(|| Finding::warning("bonus_warning_inert", &keys, says))
}

fn gift(policy: &Policy) -> Option<Finding> {
    let keys = ["bonus.topup_gift", "bonus.topup_per", "topup.max"];
    let says = "No top-up is large enough to bring a gift.";
    let never = policy.bonus.topup_gift.is_positive() && policy.bonus.topup_per > policy.topup.max;
    never.then(|| Finding::warning("gift_unreachable", &keys, says))
}

/// The value of a gift relative to the top-up that brings it.
fn worth(policy: &Policy) -> Option<Finding> {
    let keys = ["bonus.topup_gift", "bonus.topup_per"];
    let says = "A gift is worth more than the top-up that brings it.";
    let more = policy.bonus.topup_gift > policy.bonus.topup_per;
    more.then(|| Finding::error("gift_above_topup", &keys, says))
}

fn hour(policy: &Policy) -> Option<Finding> {
    let says = "Payouts go out after the day they are due.";
    let late = policy.payout.run_at_min >= DAY_MIN;
    late.then(|| Finding::error("payout_late", &["payout.run_at_min"], says))
}

/// The limits of each role must not exceed those of the role above it (SUP-4).
fn roles(policy: &Policy) -> Option<Finding> {
    let keys = &policy.support;
    let by_act = [keys.manager_act_max, keys.administrator_act_max, keys.owner_act_max];
    let by_day = [keys.manager_day_max, keys.administrator_day_max, keys.owner_day_max];
    let says = "A role of support may move more than the role above it.";
    let names = ["support.administrator_act_max", "support.administrator_day_max"];
    let orderly = by_act.is_sorted() && by_day.is_sorted();
    (!orderly).then(|| Finding::error("support_limits_disorder", &names, says))
}

/// The hold of a payable must end before support has to decide about it (LIM-6).
fn held(policy: &Policy) -> Option<Finding> {
    let names = ["bonus.payable_hold_h", "bonus.velocity_days"];
    let says = "What is owed would wait for support before its first hold is over.";
    let days = policy.bonus.velocity_days.saturating_mul(24);
    (policy.bonus.payable_hold_h > days).then(|| Finding::error("hold_too_long", &names, says))
}
