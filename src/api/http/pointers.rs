//! Which field of a body a refusal is about, where the command does not name it itself.

use platform::Refused;

/// Where the fault of a 422 stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// In this field, whichever command refuses.
    Field(&'static str),
    /// In a field that the command names: it depends on what was sent.
    Named,
    /// In no field of a body.
    NoField,
}

use FieldError::{Field, Named, NoField};

/// Every code of a request that is well formed and makes no sense.
#[rustfmt::skip]
pub const FAULTS: &[(&str, FieldError)] = &[
    ("account_invalid", Field("/account")),
    ("amount_invalid", Field("/amount")),
    ("bay_invalid", Named),
    ("block_invalid", Named),
    ("bonus_above_total", Field("/pay_with_bonus")),
    ("branch_invalid", Named),
    ("campaign_code_guessable", Field("/code")),
    ("campaign_invalid", Named),
    ("car_invalid", Named),
    ("country_not_served", Field("/phone")),
    ("different_bays", Field("/service_ids")),
    ("grant_invalid", Named),
    // The whole body is another one than under the key before.
    ("idempotency_key_reused", NoField),
    ("name_invalid", Field("/name")),
    ("not_for_class", Field("/service_ids")),
    // The order in the path is of the other kind.
    ("not_for_this_kind", NoField),
    ("not_yet_told", Field("/seq")),
    ("origin_too_far", Field("/origin")),
    ("pause_invalid", Field("/minutes")),
    ("payout_terms_invalid", Field("/bonus_bp")),
    ("phone_impossible", Field("/phone")),
    ("policy_broken", Field("/changes")),
    ("policy_in_the_past", Field("/effective_at")),
    ("policy_key_unknown", Named),
    ("policy_too_far", Field("/effective_at")),
    ("policy_unchanged", Field("/changes")),
    ("policy_value_invalid", Named),
    ("position_invalid", Named),
    ("reason_required", Field("/reason")),
    ("receipt_required", Field("/receipt")),
    ("rehearsal_period_invalid", Named),
    ("same_start", Field("/starts_at")),
    ("sanction_invalid", Field("/hours")),
    ("schedule_invalid", Field("/weekly")),
    ("service_invalid", Named),
    ("service_unknown", Field("/service_ids")),
    ("services_invalid", Field("/service_ids")),
    ("slot_off_grid", Field("/starts_at")),
    ("slot_past", Field("/starts_at")),
    ("slot_too_far", Field("/starts_at")),
    ("special_day_invalid", Named),
    ("start_invalid", Field("/starts_at")),
    // It is asked for in the query.
    ("statement_too_long", NoField),
    ("text_reserved", Named),
    ("topup_out_of_bounds", Field("/amount")),
    ("voen_invalid", Field("/voen")),
    ("wrong_code", Field("/code")),
];

/// The fields a refusal is about.
#[must_use]
pub fn of(refused: &Refused) -> Vec<String> {
    if !refused.at.is_empty() {
        return refused.at.clone();
    }
    let known = FAULTS.iter().find(|(code, _)| *code == refused.code);
    match known {
        Some((_, Field(pointer))) => vec![(*pointer).to_owned()],
        Some((_, Named | NoField)) | None => Vec::new(),
    }
}
