//! Tests of the policy check: each finding from a policy that is wrong in exactly one way.

use serde_json::{Value, json};

use super::*;
use crate::policy::draft;
use crate::policy::draft::DEFAULTS;

const TODAY: &str = "2026-11-20";

fn findings(changes: &Value) -> Vec<Finding> {
    let mut body = draft::whole(DEFAULTS).unwrap();
    // Without this the rulebook's own findings would be in every result: six cliffs, and a limit on
    // the sum of debt that the limit on its number always precedes.
    let clean = json!({"commission": {"mode": "monotone"}, "fee": {"block_debt": 500}});
    for changes in [&clean, changes] {
        let changes = serde_json::from_value(changes.clone()).unwrap();
        body = draft::put(body, &changes).unwrap().body;
    }
    check(&body.try_into().unwrap(), TODAY.parse().unwrap())
}

/// (severity, code, first key) of all findings.
fn found(changes: &Value) -> Vec<(Severity, String, String)> {
    let of = |finding: Finding| (finding.severity, finding.code, finding.keys[0].clone());
    findings(changes).into_iter().map(of).collect()
}

fn only(severity: Severity, cases: &[(&str, &str, Value)]) {
    for (code, key, changes) in cases {
        let expected = (severity, (*code).to_owned(), (*key).to_owned());
        assert_eq!(found(changes), [expected], "{changes}");
    }
}

fn brackets(rows: &[(i64, i32)], last: Option<i32>) -> Value {
    let mut all: Vec<Value> =
        rows.iter().map(|(up_to, rate)| json!({"up_to": up_to, "rate_bp": rate})).collect();
    all.extend(last.map(|rate| json!({"rate_bp": rate})));
    json!({"commission": {"brackets": all}})
}

/// COM-1: the warnings about the rulebook itself: its six cliffs, and a debt of 7.00 that two
/// penalties of 5.00 at most always precede (PEN-6).
#[test]
fn com_1_the_rulebook_has_six_cliffs() {
    let keys = draft::keys(DEFAULTS).unwrap();
    let found = check(&keys, TODAY.parse().unwrap());
    assert!(!broken(&found));
    let codes: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
    let cliffs = ["commission_cliff"; 6];
    assert_eq!(codes, [cliffs.as_slice(), &["block_debt_inert"]].concat());
    assert_eq!(found[0].says, "A cliff: 20.00 AZN costs 1.80 AZN, but 20.01 AZN only 1.60 AZN.");
    assert_eq!(
        found[5].says,
        "A cliff: 1000.00 AZN costs 40.00 AZN, but 1000.01 AZN only 30.00 AZN."
    );
    assert_eq!(findings(&json!({})), []);
}

/// COM-1: brackets out of order, overlapping, unreachable, without an end, without a rate.
#[test]
fn com_1_broken_brackets() {
    let key = "commission.brackets";
    only(
        Severity::Error,
        &[
            ("brackets_missing", key, brackets(&[], None)),
            ("brackets_end", key, brackets(&[(2000, 900), (5000, 800)], None)),
            ("brackets_out_of_order", key, brackets(&[(5000, 900), (2000, 800)], Some(300))),
            ("bracket_unreachable", key, brackets(&[(2000, 900), (2000, 800)], Some(300))),
            ("bracket_unreachable", key, brackets(&[(0, 900)], Some(300))),
            ("brackets_out_of_order", key, brackets(&[(-5, 900)], Some(300))),
            ("rate_out_of_range", key, brackets(&[(2000, 10_001)], Some(300))),
            ("rate_out_of_range", key, brackets(&[(2000, 900)], Some(-1))),
        ],
    );
    let after = json!([{"rate_bp": 900}, {"rate_bp": 300}]);
    let after = json!({"commission": {"brackets": after}});
    only(Severity::Error, &[("bracket_unreachable", key, after)]);
}

/// COM-1: rates that rise, cliffs in flat mode only, brackets that never count in monotone mode.
#[test]
fn com_1_steps_between_brackets() {
    let key = "commission.brackets";
    let mode = |mode: &str, mut brackets: Value| {
        brackets["commission"]["mode"] = json!(mode);
        brackets
    };
    let falling = brackets(&[(2000, 900)], Some(800));
    only(
        Severity::Warning,
        &[
            ("rate_rises", key, brackets(&[(2000, 900)], Some(1000))),
            ("rate_rises", key, mode("flat", brackets(&[(2000, 900)], Some(1000)))),
            ("commission_cliff", key, mode("flat", falling.clone())),
            // 2100 × 8 % = 168, and 2000 × 9 % = 180 already.
            ("bracket_inert", key, brackets(&[(2000, 900), (2100, 800)], Some(700))),
        ],
    );
    // 2250 × 8 % = 180 is reached, so one qəpik more of it counts.
    assert_eq!(found(&brackets(&[(2000, 900), (2263, 800)], Some(700))), []);
    assert_eq!(found(&mode("progressive", falling.clone())), []);
    let says = findings(&mode("flat", falling))[0].says.clone();
    assert_eq!(says, "A cliff: 20.00 AZN costs 1.80 AZN, but 20.01 AZN only 1.60 AZN.");
}

/// Values that are out of bounds by themselves.
#[test]
fn values_out_of_their_bounds() {
    only(
        Severity::Error,
        &[
            ("value_too_low", "addon.ttl_s", json!({"addon": {"ttl_s": 0}})),
            ("value_too_low", "fee.block_debt", json!({"fee": {"block_debt": 0}})),
            ("value_too_low", "fee.block_count", json!({"fee": {"block_count": 0}})),
            ("value_too_low", "quick.fee_cap", json!({"quick": {"fee_cap": -1, "fee_bp": 0}})),
            (
                "value_too_low",
                "arrival.route_speed_kmh",
                json!({"arrival": {"route_speed_kmh": 0}}),
            ),
            ("value_too_low", "client.ban_count", json!({"client": {"ban_count": 0}})),
            ("value_out_of_range", "order.contest_min", json!({"order": {"contest_min": -1}})),
            ("value_out_of_range", "outage.least_s", json!({"outage": {"least_s": i64::MAX}})),
            ("value_out_of_range", "client.ban_h", json!({"client": {"ban_h": 1_000_000}})),
            ("rate_out_of_range", "booking.fee_bp", json!({"booking": {"fee_bp": 10_001}})),
            ("rate_out_of_range", "fee.split_partner_bp", json!({"fee": {"split_partner_bp": -1}})),
            ("floor_positive", "balance.floor", json!({"balance": {"floor": 1}})),
            ("off_the_ticks", "booking.grid_min", json!({"booking": {"grid_min": 12}})),
            ("off_the_ticks", "booking.buffer_min", json!({"booking": {"buffer_min": 7}})),
        ],
    );
    assert_eq!(found(&json!({"balance": {"floor": 0}})), []);
}

/// QO-2, QO-6, QO-8, PEN-2: quick orders.
#[test]
fn quick_orders_that_contradict_themselves() {
    only(
        Severity::Warning,
        &[
            ("grace_too_long", "quick.net_grace_s", json!({"quick": {"net_grace_s": 30}})),
            ("extension_inert", "quick.max_extensions", json!({"quick": {"extension_min": 0}})),
            ("fee_inert", "quick.fee_bp", json!({"quick": {"fee_cap": 0}})),
            ("fee_inert", "quick.fee_bp", json!({"quick": {"fee_bp": 0}})),
            (
                "alternatives_inert",
                "quick.alternatives_radius_m",
                json!({"quick": {"alternatives_radius_m": 0}}),
            ),
        ],
    );
    assert_eq!(found(&json!({"quick": {"fee_bp": 0, "fee_cap": 0}})), []);
}

/// BK-1, BK-3: when a booking can be made and answered.
#[test]
fn bk_3_bookings_nobody_could_answer() {
    let booking = |keys: Value| json!({"booking": keys});
    only(
        Severity::Error,
        &[(
            "unanswerable",
            "booking.confirm_before_start_min",
            booking(json!({"confirm_before_start_min": 30})),
        )],
    );
    only(
        Severity::Warning,
        &[
            (
                "answer_cut",
                "booking.confirm_short_min",
                booking(json!({"confirm_before_start_min": 26})),
            ),
            (
                "short_answer_inert",
                "booking.confirm_split_min",
                booking(json!({"confirm_split_min": 29})),
            ),
            (
                "long_answer_inert",
                "booking.confirm_split_min",
                booking(json!({"confirm_split_min": 43_200})),
            ),
            (
                "answers_swapped",
                "booking.confirm_long_min",
                booking(json!({"confirm_long_min": 4})),
            ),
            ("grid_uneven", "booking.grid_min", booking(json!({"grid_min": 25}))),
        ],
    );
    let far = found(&booking(json!({"min_notice_min": 43_201})));
    assert!(
        far.iter().any(|(severity, code, _)| {
            *severity == Severity::Error && code == "nothing_bookable"
        })
    );
    assert_eq!(found(&booking(json!({"confirm_before_start_min": 25}))), []);
}

/// PEN-1, BK-5, BK-6, BK-8, NOT-1: windows of a booking.
#[test]
fn bookings_whose_windows_contradict_each_other() {
    let booking = |keys: Value| json!({"booking": keys});
    let least = "booking.free_cancel_least_min";
    let bounds = json!({"free_cancel_least_min": 200, "free_cancel_most_min": 190});
    only(Severity::Error, &[("free_cancel_bounds", least, booking(bounds))]);
    let free = "booking.free_cancel_min";
    let month = json!({"free_cancel_min": 43_200, "free_cancel_most_min": 43_200});
    only(
        Severity::Warning,
        &[
            ("free_cancel_outside", free, booking(json!({"free_cancel_min": 59}))),
            ("free_cancel_never", free, booking(month)),
            ("fee_inert", "booking.fee_bp", booking(json!({"fee_bp": 0}))),
            (
                "depart_after_arrival",
                "booking.depart_grace_s",
                booking(json!({"depart_grace_s": 601})),
            ),
            (
                "admit_before_departing",
                "booking.admit_early_min",
                booking(json!({"admit_early_min": 181})),
            ),
            ("extension_inert", "booking.max_extensions", booking(json!({"extension_min": 0}))),
            (
                "reminders_swapped",
                "booking.remind_soon_min",
                booking(json!({"remind_soon_min": 1440})),
            ),
            (
                "reminder_inert",
                "booking.remind_day_min",
                booking(json!({"remind_day_min": 43_201})),
            ),
            (
                "reschedule_inert",
                "booking.max_reschedules",
                booking(json!({"reschedule_ttl_min": 0})),
            ),
        ],
    );
    assert_eq!(found(&booking(json!({"depart_grace_s": 600}))), []);
}

/// ARR-1, ARR-2, ORD-11: arrivals and final amounts whose rules never apply.
#[test]
fn arrivals_and_ends_that_never_count() {
    only(
        Severity::Warning,
        &[
            ("admit_alert_inert", "arrival.admit_min", json!({"arrival": {"admit_end_min": 15}})),
            ("accuracy_too_coarse", "arrival.accuracy_m", json!({"arrival": {"accuracy_m": 151}})),
            ("flag_inert", "order.off_estimate_pct", json!({"order": {"off_estimate_pct": 100}})),
            ("contest_inert", "order.dispute_h", json!({"order": {"dispute_h": 0}})),
        ],
    );
}

/// PEN-6, SAN-1, SAN-2: thresholds that are never reached.
#[test]
fn sanctions_that_never_come() {
    let warn = "partner.warn_count";
    let lower = "partner.visibility_count";
    only(
        Severity::Warning,
        &[
            ("block_debt_inert", "fee.block_debt", json!({"fee": {"block_debt": 501}})),
            (
                "ban_inert",
                "client.ban_count",
                json!({"client": {"ban_window_h": 1, "ban_count": 61}}),
            ),
            ("warning_inert", warn, json!({"partner": {"warn_count": 5}})),
            ("visibility_inert", lower, json!({"partner": {"block_count": 5}})),
            ("repeat_inert", "partner.repeat_days", json!({"partner": {"repeat_days": 7}})),
            (
                "block_inert",
                "partner.block_count",
                json!({"partner": {"fault_window_h": 1, "block_count": 61}}),
            ),
        ],
    );
    assert_eq!(found(&json!({"fee": {"block_debt": 701, "block_count": 3}})), []);
    assert_eq!(found(&json!({"partner": {"repeat_days": 8}})), []);
}

/// BON-5: from November on the next year's holidays must be set.
#[test]
fn bon_5_holidays_must_be_known() {
    let keys = draft::keys(DEFAULTS).unwrap();
    let missing = |today: &str| {
        let found = check(&keys, today.parse().unwrap());
        found.iter().any(|finding| finding.code == "holidays_missing")
    };
    assert!(!missing("2026-01-01") && !missing("2026-12-31") && !missing("2027-10-31"));
    assert!(missing("2027-11-01") && missing("2028-01-01"));
}

/// BAL-3, BAL-5, BON-4, BON-5, BON-7: money that could not move, or would move wrongly.
#[test]
fn money_that_contradicts_itself() {
    let of = |section: &str, keys: Value| json!({section: keys});
    only(
        Severity::Error,
        &[
            ("topup_bounds", "topup.min", of("topup", json!({"min": 600_000}))),
            ("value_too_low", "topup.min", of("topup", json!({"min": 0}))),
            ("value_too_low", "topup.look_min", of("topup", json!({"look_min": 0}))),
            ("value_too_low", "topup.look_again_min", of("topup", json!({"look_again_min": 0}))),
            ("value_too_low", "bonus.topup_gift", of("bonus", json!({"topup_gift": -1}))),
            ("gift_above_topup", "bonus.topup_gift", of("bonus", json!({"topup_per": 999}))),
            (
                "value_out_of_range",
                "balance.floor",
                of("balance", json!({"floor": -1_000_000_001})),
            ),
            ("value_too_high", "bonus.other_days", of("bonus", json!({"other_days": 366}))),
            ("payout_late", "payout.run_at_min", of("payout", json!({"run_at_min": 1440}))),
            (
                "unrestrict_below_floor",
                "balance.floor",
                of("balance", json!({"unrestrict_at": -501})),
            ),
        ],
    );
    only(
        Severity::Warning,
        &[
            ("bonus_warning_inert", "bonus.topup_ttl_h", of("bonus", json!({"topup_ttl_h": 3}))),
            ("gift_unreachable", "bonus.topup_gift", of("bonus", json!({"topup_per": 500_001}))),
        ],
    );
    assert_eq!(found(&of("payout", json!({"run_at_min": 1439}))), []);
    assert_eq!(found(&of("bonus", json!({"topup_ttl_h": 4, "other_days": 365}))), []);
}

/// QO-1, BK-13, LIM-1, LIM-4, LIM-7: limits too low for a branch or a client to operate; each limit
/// of a branch is in the policy or is bounded here.
#[test]
fn lim_1_limits_nobody_could_live_under() {
    let of = |section: &str, key: &str, value: i64| json!({section: {key: value}});
    only(
        Severity::Error,
        &[
            (
                "arrival_buffer_bounds",
                "quick.arrival_buffer_min",
                of("quick", "arrival_buffer_min", 121),
            ),
            ("pause_bounds", "partner.pause_min", of("partner", "pause_min", 1441)),
            ("value_too_low", "partner.pause_min", of("partner", "pause_min", 0)),
            ("value_too_high", "booking.buffer_min", of("booking", "buffer_min", 245)),
            ("value_too_low", "quick.origin_max_km", of("quick", "origin_max_km", 0)),
            ("value_too_low", "client.open_orders_max", of("client", "open_orders_max", 0)),
            ("value_too_low", "client.placings_per_h", of("client", "placings_per_h", 0)),
            ("value_too_low", "catalogue.services_max", of("catalogue", "services_max", 0)),
            ("value_too_low", "order.acts_per_min", of("order", "acts_per_min", 0)),
        ],
    );
    let inert = ("pair_limit_inert", "client.pair_open_max", of("client", "pair_open_max", 3));
    only(Severity::Warning, &[inert]);
    assert_eq!(found(&of("quick", "arrival_buffer_min", 120)), []);
    assert_eq!(found(&of("partner", "pause_min", 1440)), []);
}
