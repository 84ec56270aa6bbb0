//! The check of orders: time windows that contradict each other, and rules that never apply.

use entity::value::{Bp, Money};

use super::Finding;
use crate::policy::Policy;
use crate::policy::keys::{ArrivalKeys, BookingKeys, OrderKeys, QuickKeys};

/// Minutes of a day.
const DAY_MIN: i64 = 1440;

pub(super) fn check(policy: &Policy) -> Vec<Finding> {
    let mut found = quick(&policy.quick);
    found.extend(answering(&policy.booking));
    found.extend(cancelling(&policy.booking));
    found.extend(coming(&policy.booking));
    found.extend(moving(&policy.booking));
    found.extend(arrival(&policy.arrival));
    found.extend(ending(&policy.order));
    found
}

fn warn(holds: bool, code: &str, keys: &[&str], says: &str) -> Option<Finding> {
    holds.then(|| Finding::warning(code, keys, says))
}

fn error(holds: bool, code: &str, keys: &[&str], says: &str) -> Option<Finding> {
    holds.then(|| Finding::error(code, keys, says))
}

/// A rate with a cap of zero, or a cap without a rate.
fn fee(bp: Bp, cap: Money, keys: &[&str]) -> Option<Finding> {
    let inert = (bp.0 > 0) != cap.is_positive();
    warn(inert, "fee_inert", keys, "Of rate and cap one is nothing: no fee is ever due.")
}

fn quick(quick: &QuickKeys) -> Vec<Finding> {
    let keys = ["quick.net_grace_s", "quick.offer_ttl_s"];
    let says = "The grace shown to no one is as long as the offer itself.";
    let grace = warn(quick.net_grace_s >= quick.offer_ttl_s, "grace_too_long", &keys, says);
    let keys = ["quick.max_extensions", "quick.extension_min"];
    let none = quick.max_extensions > 0 && quick.extension_min == 0;
    let extension = warn(none, "extension_inert", &keys, "An extension gives no time.");
    let fee = fee(quick.fee_bp, quick.fee_cap, &["quick.fee_bp", "quick.fee_cap"]);
    let keys = ["quick.alternatives_radius_m", "quick.alternatives_max"];
    let nowhere = quick.alternatives_max > 0 && quick.alternatives_radius_m == 0;
    let says = "Alternatives are looked for nowhere.";
    let alternatives = warn(nowhere, "alternatives_inert", &keys, says);
    let keys = ["quick.arrival_buffer_min", "quick.arrival_buffer_most_min"];
    let says = "A branch could give no time on top of the route: none could be registered.";
    let none = quick.arrival_buffer_min > quick.arrival_buffer_most_min;
    let buffer = error(none, "arrival_buffer_bounds", &keys, says);
    let found = [grace, extension, fee, alternatives, buffer];
    found.into_iter().flatten().collect()
}

/// Notice, horizon and the time to answer (BK-3).
fn answering(booking: &BookingKeys) -> Vec<Finding> {
    let horizon = booking.horizon_days.saturating_mul(DAY_MIN);
    let (notice, before) = (booking.min_notice_min, booking.confirm_before_start_min);
    let (long, short) = (booking.confirm_long_min, booking.confirm_short_min);
    let split = booking.confirm_split_min;
    let notice_key = "booking.min_notice_min";
    let split_key = "booking.confirm_split_min";
    [
        error(
            notice > horizon,
            "nothing_bookable",
            &[notice_key, "booking.horizon_days"],
            "The notice is longer than the horizon: nothing can be booked.",
        ),
        error(
            before >= notice,
            "unanswerable",
            &["booking.confirm_before_start_min", notice_key],
            "A booking with the least notice is over before it can be answered.",
        ),
        warn(
            before < notice && notice - before < short,
            "answer_cut",
            &["booking.confirm_short_min", notice_key, "booking.confirm_before_start_min"],
            "A booking with the least notice leaves less than the short time to answer.",
        ),
        warn(
            split < notice,
            "short_answer_inert",
            &[split_key, notice_key],
            "Every booking is farther away than the split: the short time never counts.",
        ),
        warn(
            split >= horizon,
            "long_answer_inert",
            &[split_key, "booking.horizon_days"],
            "No booking is farther away than the split: the long time never counts.",
        ),
        warn(
            long < short,
            "answers_swapped",
            &["booking.confirm_long_min", "booking.confirm_short_min"],
            "The farther booking must be answered sooner than the nearer.",
        ),
        warn(
            booking.grid_min > 0 && DAY_MIN % booking.grid_min != 0,
            "grid_uneven",
            &["booking.grid_min"],
            "The grid does not divide a day: its last slot is shorter than the rest.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Free cancellation and its fee (PEN-1).
fn cancelling(booking: &BookingKeys) -> Vec<Finding> {
    let (least, most) = (booking.free_cancel_least_min, booking.free_cancel_most_min);
    let bounds = ["booking.free_cancel_least_min", "booking.free_cancel_most_min"];
    let free = booking.free_cancel_min;
    let outside = least <= most && !(least..=most).contains(&free);
    let never = free >= booking.horizon_days.saturating_mul(DAY_MIN);
    let [low, high] = bounds;
    [
        error(least > most, "free_cancel_bounds", &bounds, "A partner could set nothing."),
        warn(
            outside,
            "free_cancel_outside",
            &["booking.free_cancel_min", low, high],
            "The default is not among what a partner may set.",
        ),
        warn(
            never,
            "free_cancel_never",
            &["booking.free_cancel_min", "booking.horizon_days"],
            "No booking is made early enough to be let go free in time.",
        ),
        fee(booking.fee_bp, booking.fee_cap, &["booking.fee_bp", "booking.fee_cap"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Reminders, departure, arrival, admission (BK-5, BK-6, NOT-1).
fn coming(booking: &BookingKeys) -> Vec<Finding> {
    let horizon = booking.horizon_days.saturating_mul(DAY_MIN);
    let (day, soon) = (booking.remind_day_min, booking.remind_soon_min);
    let (day_key, soon_key) = ("booking.remind_day_min", "booking.remind_soon_min");
    [
        warn(
            booking.depart_grace_s > booking.arrival_grace_min.saturating_mul(60),
            "depart_after_arrival",
            &["booking.depart_grace_s", "booking.arrival_grace_min"],
            "Who has not set out is awaited longer than who is on the way.",
        ),
        warn(
            booking.admit_early_min > booking.depart_window_min,
            "admit_before_departing",
            &["booking.admit_early_min", "booking.depart_window_min"],
            "A car may be taken in before its client may set out.",
        ),
        warn(
            booking.max_extensions > 0 && booking.extension_min == 0,
            "extension_inert",
            &["booking.max_extensions", "booking.extension_min"],
            "An extension gives no time.",
        ),
        warn(
            soon >= day,
            "reminders_swapped",
            &[soon_key, day_key],
            "The second reminder is not after the first.",
        ),
        warn(
            day > horizon || soon > horizon,
            "reminder_inert",
            &[day_key, soon_key, "booking.horizon_days"],
            "No booking is made early enough to be reminded of.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rescheduling (BK-8).
fn moving(booking: &BookingKeys) -> Option<Finding> {
    let late = booking.reschedule_before_start_min >= booking.horizon_days.saturating_mul(DAY_MIN);
    let none = booking.reschedule_ttl_min == 0 || late;
    let keys = [
        "booking.max_reschedules",
        "booking.reschedule_ttl_min",
        "booking.reschedule_before_start_min",
    ];
    let says = "A start may be moved, but no proposal lives long enough to be answered.";
    warn(booking.max_reschedules > 0 && none, "reschedule_inert", &keys, says)
}

fn arrival(arrival: &ArrivalKeys) -> Vec<Finding> {
    let alert = warn(
        arrival.admit_end_min <= arrival.admit_min,
        "admit_alert_inert",
        &["arrival.admit_min", "arrival.admit_end_min"],
        "The clock ends an order before support is told that nobody takes the car in.",
    );
    let accuracy = warn(
        arrival.accuracy_m > arrival.radius_m,
        "accuracy_too_coarse",
        &["arrival.accuracy_m", "arrival.radius_m"],
        "A position that is off by more than the radius counts as being there.",
    );
    let times = i64::try_from(arrival.pings.saturating_sub(1)).unwrap_or(i64::MAX);
    let apart = warn(
        arrival.ping_gap_s.saturating_mul(times) > arrival.stale_s,
        "pings_too_far_apart",
        &["arrival.ping_gap_s", "arrival.pings", "arrival.stale_s"],
        "The first position is too old before enough others have come: no position shows an arrival.",
    );
    [alert, accuracy, apart].into_iter().flatten().collect()
}

/// Final amounts far from the agreed ones (ORD-11).
fn ending(order: &OrderKeys) -> Vec<Finding> {
    let below = warn(
        order.off_estimate_pct >= 100,
        "flag_inert",
        &["order.off_estimate_pct"],
        "No amount below the agreed one is ever flagged.",
    );
    let contest = warn(
        order.dispute_h == 0,
        "contest_inert",
        &["order.dispute_h"],
        "A flagged amount can be contested at no time.",
    );
    [below, contest].into_iter().flatten().collect()
}
