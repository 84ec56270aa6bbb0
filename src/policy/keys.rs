//! The policy keys; `default.toml` beside this file has each one's unit, default and rule.
#![expect(missing_docs, reason = "each key is described in src/policy/default.toml")]

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entity::value::{Bp, Money};
use serde::{Deserialize, Deserializer, Serialize};

/// All keys of one version.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub quick: QuickKeys,
    pub booking: BookingKeys,
    pub addon: AddOn,
    pub arrival: ArrivalKeys,
    pub order: OrderKeys,
    pub fee: FeeKeys,
    pub penalty: PenaltyKeys,
    pub client: ClientKeys,
    pub partner: PartnerKeys,
    pub catalogue: CatalogueKeys,
    pub commission: CommissionKeys,
    pub balance: BalanceKeys,
    pub bonus: BonusKeys,
    pub topup: TopUp,
    pub payout: Payout,
    pub support: SupportKeys,
    pub outage: Outage,
    pub calendar: CalendarKeys,
}

/// QO, PEN-2.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuickKeys {
    pub offer_ttl_s: i64,
    pub net_grace_s: i64,
    pub arrival_buffer_min: i64,
    pub arrival_buffer_most_min: i64,
    pub late_decision_min: i64,
    pub max_extensions: i16,
    pub extension_min: i64,
    pub unseen_accept_grace_s: i64,
    pub fee_bp: Bp,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub fee_cap: Money,
    pub alternatives_max: usize,
    pub alternatives_radius_m: u32,
    pub origin_max_km: i32,
    pub route_max_min: i64,
}

/// BK.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingKeys {
    pub buffer_min: i64,
    pub grid_min: i64,
    pub confirm_split_min: i64,
    pub confirm_long_min: i64,
    pub confirm_short_min: i64,
    pub confirm_before_start_min: i64,
    pub min_notice_min: i64,
    pub horizon_days: i64,
    pub depart_window_min: i64,
    pub depart_route_plus_min: i64,
    pub depart_grace_s: i64,
    pub arrival_grace_min: i64,
    pub max_extensions: i16,
    pub extension_min: i64,
    pub max_reschedules: i16,
    pub reschedule_ttl_min: i64,
    pub reschedule_before_start_min: i64,
    pub overrun_hold_min: i64,
    pub admit_early_min: i64,
    pub free_cancel_min: i64,
    pub free_cancel_least_min: i64,
    pub free_cancel_most_min: i64,
    pub fresh_cancel_min: i64,
    pub fee_bp: Bp,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub fee_cap: Money,
    pub remind_day_min: i64,
    pub remind_soon_min: i64,
    pub alternatives_max: usize,
    pub alternatives_days: i64,
}

/// ADD.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddOn {
    pub ttl_s: i64,
}

/// PEN-7.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltyKeys {
    pub dispute_days: i64,
}

/// SAN-1, LIM-1, LIM-7.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientKeys {
    pub ban_count: usize,
    pub ban_window_h: i64,
    pub ban_h: i64,
    pub open_orders_max: usize,
    pub pending_max: usize,
    pub pair_open_max: usize,
    pub placings_per_h: usize,
    pub withdrawn_max: usize,
    pub withdrawn_window_h: i64,
    pub withdrawn_rest_min: i64,
    pub trusted_completed: u64,
    pub trusted_factor: usize,
    pub cars_max: usize,
}

/// SAN-2, BK-13.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerKeys {
    pub fault_window_h: i64,
    pub warn_count: usize,
    pub visibility_count: usize,
    pub visibility_h: i64,
    pub repeat_days: i64,
    pub block_count: usize,
    pub block_days: i64,
    pub pause_min: i64,
    pub pause_most_min: i64,
}

/// ARR.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrivalKeys {
    pub pings: usize,
    pub radius_m: i32,
    pub accuracy_m: i32,
    pub stale_s: i64,
    pub code_tries: u64,
    pub code_grace_min: i64,
    pub ping_gap_s: i64,
    pub reach_kmh: i64,
    pub admit_min: i64,
    pub admit_end_min: i64,
    pub freeze_min: i64,
    pub eta_step_s: i64,
    pub eta_gap_s: i64,
    pub route_speed_kmh: u32,
    pub route_detour_pct: u32,
}

/// ORD.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderKeys {
    pub auto_complete_h: i64,
    pub contest_min: i64,
    pub off_estimate_pct: i64,
    pub dispute_h: i64,
    pub acts_per_min: u64,
}

/// PEN.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeKeys {
    pub quote_ttl_s: i64,
    pub split_partner_bp: Bp,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub block_debt: Money,
    pub block_count: usize,
}

/// LIM-7.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueKeys {
    pub services_max: u64,
    pub bays_max: u64,
    pub staff_max: usize,
    pub blocks_max: u64,
    pub special_days_max: u64,
}

/// COM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommissionKeys {
    pub mode: CommissionMode,
    pub brackets: Vec<Bracket>,
}

/// How brackets are applied (COM-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommissionMode {
    /// The whole amount at its bracket's rate.
    Flat,
    /// As flat, but never less than the most the bracket below can reach.
    Monotone,
    /// Each part of the amount at its own bracket's rate.
    Progressive,
}

/// A bracket: amounts up to `up_to` (inclusive), or all above the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<i64>,
    pub rate_bp: Bp,
}

/// BAL.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceKeys {
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub floor: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub unrestrict_at: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub low: Money,
    pub pending_rest_h: i64,
}

/// BON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BonusKeys {
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub topup_per: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub topup_gift: Money,
    pub topup_ttl_h: i64,
    pub other_days: i64,
    pub warn_min: i64,
    pub payable_hold_h: i64,
    pub pair_orders_7d: usize,
    pub week_share_pct: i64,
    pub week_orders_min: usize,
    pub new_account_days: i64,
    pub velocity_days: i64,
    pub staff_days: i64,
    pub code_tries_person: usize,
    pub code_tries_address: usize,
}

/// BAL-5.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub min: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub max: Money,
    pub look_min: i64,
    pub look_again_min: i64,
    pub give_up_h: i64,
    pub refund_h: i64,
    pub same_amount_min: i64,
    pub reconcile_days: i64,
    pub reconcile_unpaid_days: i64,
}

/// BON-5.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    pub working_days: i64,
    pub run_at_min: u32,
    pub account_rest_h: i64,
}

/// SUP-4.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportKeys {
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub manager_act_max: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub manager_day_max: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub administrator_act_max: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub administrator_day_max: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub owner_act_max: Money,
    #[serde(deserialize_with = "qepik", serialize_with = "bare")]
    pub owner_day_max: Money,
    pub same_amount_s: i64,
}

/// OUT.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    pub least_s: i64,
}

/// BON-5.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarKeys {
    pub holidays: BTreeSet<NaiveDate>,
}

fn qepik<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    i64::deserialize(deserializer).map(Money)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn bare<S: serde::Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(money.0)
}
