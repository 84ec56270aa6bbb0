//! The permitted values of each key by itself: by its unit, which is the end of its name, and by
//! name.

use toml::{Table, Value};

use super::Finding;
use crate::policy::Policy;

/// The least and the greatest value of a unit; a wait of centuries would not fit into an instant.
const UNITS: &[(&str, i64, i64)] = &[
    ("_s", 0, 30 * 86_400),
    ("_min", 0, 366 * 1440),
    ("_h", 0, 10 * 8784),
    ("_days", 0, 3660),
    ("_m", 0, 1_000_000),
    ("_kmh", 0, 1000),
    ("_pct", 0, 10_000),
    ("_count", 0, 10_000),
];

/// A key without a unit is an amount or a number of times.
const OTHERS: (i64, i64) = (-1_000_000_000, 1_000_000_000);

/// Keys with a least value, and what happens below it.
const LEAST: &[(&str, i64, &str)] = &[
    ("quick.offer_ttl_s", 1, "no offer could be answered"),
    ("quick.fee_cap", 0, "a fee would pay the client"),
    ("quick.max_extensions", 0, "a number of times is not below zero"),
    ("booking.grid_min", 5, "there would be no slots"),
    ("booking.horizon_days", 1, "nothing could be booked"),
    ("booking.confirm_long_min", 1, "no booking could be answered"),
    ("booking.confirm_short_min", 1, "no booking could be answered"),
    ("booking.overrun_hold_min", 5, "a car in a bay would hold it no longer"),
    ("booking.fee_cap", 0, "a fee would pay the client"),
    ("booking.max_extensions", 0, "a number of times is not below zero"),
    ("booking.max_reschedules", 0, "a number of times is not below zero"),
    ("quick.origin_max_km", 1, "nobody would be near enough for a quick order"),
    ("quick.route_max_min", 1, "nobody would be near enough for a quick order"),
    ("order.acts_per_min", 1, "nothing could be proposed"),
    ("client.open_orders_max", 1, "nobody could place an order"),
    ("client.pending_max", 1, "nobody could place an order"),
    ("client.pair_open_max", 1, "nobody could place an order"),
    ("client.placings_per_h", 1, "nobody could place an order"),
    ("client.withdrawn_max", 1, "nobody could take a request back"),
    ("client.withdrawn_window_h", 1, "no withdrawal would ever count"),
    ("client.trusted_factor", 1, "whoever is trusted could place nothing"),
    ("client.cars_max", 1, "nobody could have a car"),
    ("catalogue.services_max", 1, "no branch could offer anything"),
    ("catalogue.bays_max", 1, "no branch could have a bay"),
    ("catalogue.staff_max", 1, "no branch could have an owner"),
    ("addon.ttl_s", 1, "no proposal could be answered"),
    ("arrival.pings", 1, "nothing would show an arrival"),
    ("arrival.radius_m", 1, "nobody would ever be near"),
    ("arrival.accuracy_m", 1, "no position would ever count"),
    ("arrival.stale_s", 1, "no position would be fresh enough"),
    ("arrival.ping_gap_s", 1, "two positions at once would be an arrival"),
    ("arrival.reach_kmh", 1, "nobody could ever come"),
    ("arrival.freeze_min", 1, "support could decide nothing"),
    ("arrival.route_speed_kmh", 1, "no route would ever end"),
    ("arrival.route_detour_pct", 100, "roads would be shorter than the straight line"),
    ("order.auto_complete_h", 1, "orders would be closed while the car is served"),
    ("fee.quote_ttl_s", 1, "no quote could be used"),
    ("fee.block_debt", 1, "everybody would be in debt"),
    ("fee.block_count", 1, "everybody would be in debt"),
    ("penalty.dispute_days", 1, "no penalty could be disputed"),
    ("topup.min", 1, "nothing would be topped up"),
    ("topup.look_min", 1, "providers would be asked without a pause"),
    ("topup.look_again_min", 1, "providers would be asked without a pause"),
    ("topup.give_up_h", 1, "nobody would wait for a payment"),
    ("bonus.topup_per", 1, "a gift for nothing would have no end"),
    ("bonus.topup_gift", 0, "a gift would cost its owner"),
    ("bonus.topup_ttl_h", 1, "a gift would be over when it is given"),
    ("bonus.payable_hold_h", 0, "a wait is not below zero"),
    ("bonus.pair_orders_7d", 1, "every debt would be held"),
    ("bonus.velocity_days", 1, "support would decide every debt"),
    ("bonus.code_tries_person", 1, "no code could be entered"),
    ("bonus.code_tries_address", 1, "no code could be entered"),
    ("support.manager_act_max", 0, "a bound is not below zero"),
    ("support.manager_day_max", 0, "a bound is not below zero"),
    ("support.administrator_act_max", 0, "a bound is not below zero"),
    ("support.administrator_day_max", 0, "a bound is not below zero"),
    ("support.owner_act_max", 1, "nobody could move anything"),
    ("support.owner_day_max", 1, "nobody could move anything"),
    ("bonus.other_days", 1, "a bonus would be over when it is given"),
    ("payout.working_days", 1, "a payout would be due before it is owed"),
    ("partner.pause_min", 1, "a pause nobody gave a length would be refused"),
    ("client.ban_count", 1, "whoever is counted would be banned"),
    ("client.ban_window_h", 1, "no fault would ever count"),
    ("client.ban_h", 1, "no ban would last"),
    ("partner.fault_window_h", 1, "no fault would ever count"),
    ("partner.warn_count", 1, "whoever is counted would be warned"),
    ("partner.visibility_count", 1, "whoever is counted would be lowered"),
    ("partner.visibility_h", 1, "no lowering would last"),
    ("partner.block_count", 1, "whoever is counted would be blocked"),
    ("partner.block_days", 1, "no block would last"),
];

/// Keys with a greatest value, and what happens above it.
const MOST: &[(&str, i64, &str)] = &[
    ("bonus.other_days", 365, "no grant may live longer"),
    ("bonus.topup_ttl_h", 8760, "no grant may live longer"),
    ("booking.buffer_min", 240, "no service may have a longer rest"),
    ("booking.alternatives_days", 62, "one answer would look through years"),
    ("arrival.code_grace_min", 720, "codes of two days would be good at once"),
    ("bonus.topup_ttl_h", 8760, "no grant may live longer"),
    ("booking.buffer_min", 240, "no service may have a longer rest"),
    ("booking.alternatives_days", 62, "one answer would look through years"),
];

/// Keys that are multiples of five minutes, the length of an occupancy cell (BK-1).
const TICKS: &[&str] = &["booking.grid_min", "booking.buffer_min"];

pub(super) fn check(policy: &Policy) -> Vec<Finding> {
    // All keys, including those this file does not name.
    let all = Table::try_from(policy).unwrap_or_default();
    let mut found = Vec::new();
    for (section, keys) in &all {
        for (key, value) in keys.as_table().into_iter().flatten() {
            if let Value::Integer(value) = value {
                found.extend(one(&format!("{section}.{key}"), *value));
            }
        }
    }
    found
}

fn one(name: &str, value: i64) -> Option<Finding> {
    if name.ends_with("_bp") {
        let right = (0..=10_000).contains(&value);
        let says = format!("{name} is {value}: a rate is 0 to 10000 basis points.");
        return (!right).then(|| Finding::error("rate_out_of_range", &[name], says));
    }
    if name == "balance.floor" && value > 0 {
        let says =
            format!("The floor is {value}: a partner with nothing owing could take nothing.");
        return Some(Finding::error("floor_positive", &[name], says));
    }
    if let Some((_, least, otherwise)) =
        LEAST.iter().find(|(n, least, _)| n == &name && value < *least)
    {
        let says = format!("{name} is {value}, at least {least}: {otherwise}.");
        return Some(Finding::error("value_too_low", &[name], says));
    }
    if let Some((_, most, otherwise)) = MOST.iter().find(|(n, most, _)| n == &name && value > *most)
    {
        let says = format!("{name} is {value}, at most {most}: {otherwise}.");
        return Some(Finding::error("value_too_high", &[name], says));
    }
    let unit = UNITS.iter().find(|(unit, ..)| name.ends_with(unit));
    let (least, most) = unit.map_or(OTHERS, |(_, least, most)| (*least, *most));
    if !(least..=most).contains(&value) {
        let says = format!("{name} is {value}, but {least} to {most} of its unit.");
        return Some(Finding::error("value_out_of_range", &[name], says));
    }
    if TICKS.contains(&name) && value % 5 != 0 {
        let says = format!("{name} is {value}: bays are kept in steps of five minutes.");
        return Some(Finding::error("off_the_ticks", &[name], says));
    }
    None
}
