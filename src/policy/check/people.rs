//! The check of debts, bans and sanctions: thresholds that another one always precedes (PEN-6,
//! SAN-1, SAN-2).

use super::Finding;
use crate::policy::Policy;
use crate::policy::keys::{ClientKeys, PartnerKeys};

/// Faults that one client or branch can commit in an hour at most, by a generous estimate.
const FAULTS_PER_HOUR: i64 = 60;

pub(super) fn check(policy: &Policy) -> Vec<Finding> {
    let mut found: Vec<Finding> = debt(policy).into_iter().collect();
    found.extend(client(&policy.client));
    found.extend(placing(&policy.client));
    found.extend(partner(&policy.partner));
    found
}

fn more_than(count: usize, hours: i64) -> bool {
    i64::try_from(count).unwrap_or(i64::MAX) > hours.saturating_mul(FAULTS_PER_HOUR)
}

/// Does the number of unpaid penalties always close orders before their sum can?
fn debt(policy: &Policy) -> Option<Finding> {
    let (fee, quick, booking) = (&policy.fee, &policy.quick, &policy.booking);
    let dearest = quick.fee_cap.max(booking.fee_cap);
    let fewer = i64::try_from(fee.block_count).unwrap_or(i64::MAX).saturating_sub(1);
    let most = dearest.0.saturating_mul(fewer);
    // If one penalty closes everything, or no fee is due, the sum needs no check.
    let apply = fewer > 0 && dearest.is_positive();
    (apply && most < fee.block_debt.0).then(|| {
        let keys = ["fee.block_debt", "fee.block_count", "quick.fee_cap", "booking.fee_cap"];
        let says = format!(
            "{fewer} unpaid penalties are {} at most: their number closes orders before the sum \
             of {} can.",
            entity::value::Money(most),
            fee.block_debt
        );
        Finding::warning("block_debt_inert", &keys, says)
    })
}

fn client(client: &ClientKeys) -> Option<Finding> {
    let inert = more_than(client.ban_count, client.ban_window_h);
    inert.then(|| {
        let keys = ["client.ban_count", "client.ban_window_h"];
        let says = "Nobody can make so many faults in the window: the ban never comes.";
        Finding::warning("ban_inert", &keys, says)
    })
}

/// Limits of which one is always reached before the other (LIM-1).
fn placing(client: &ClientKeys) -> Option<Finding> {
    let inert = client.pair_open_max > client.pending_max;
    inert.then(|| {
        let keys = ["client.pair_open_max", "client.pending_max"];
        let says =
            "More requests may wait at one branch than at all: the first limit never counts.";
        Finding::warning("pair_limit_inert", &keys, says)
    })
}

fn partner(partner: &PartnerKeys) -> Vec<Finding> {
    let (warn, lower, block) = (partner.warn_count, partner.visibility_count, partner.block_count);
    let (warn_key, lower_key, block_key) =
        ("partner.warn_count", "partner.visibility_count", "partner.block_count");
    let mut found = Vec::new();
    found.extend((partner.pause_min > partner.pause_most_min).then(|| {
        let keys = ["partner.pause_min", "partner.pause_most_min"];
        let says = "A pause nobody gave a length is longer than a pause may be: it is refused.";
        Finding::error("pause_bounds", &keys, says)
    }));
    let mut add = |holds: bool, code, keys: &[&str], says: &str| {
        if holds {
            found.push(Finding::warning(code, keys, says));
        }
    };
    add(
        lower <= warn || block <= warn,
        "warning_inert",
        &[warn_key, lower_key, block_key],
        "What comes after the warning comes first: nobody is ever warned.",
    );
    add(
        block <= lower,
        "visibility_inert",
        &[lower_key, block_key],
        "The block comes first: visibility is never lowered, and five others are no repeat.",
    );
    add(
        more_than(block, partner.fault_window_h),
        "block_inert",
        &[block_key, "partner.fault_window_h"],
        "Nobody can make so many faults in the window: the block never comes.",
    );
    add(
        partner.repeat_days.saturating_mul(24) <= partner.visibility_h,
        "repeat_inert",
        &["partner.repeat_days", "partner.visibility_h"],
        "A lowering lasts longer than a repeat counts: the days of repeat decide nothing.",
    );
    found
}
