//! The chart of accounts.

use entity::value::PartnerId;

/// The operator's earned commission.
pub const COMMISSION: &str = "operator:commission";
/// The operator's part of paid penalties (PEN-5).
pub const PENALTIES: &str = "operator:penalties";
/// Money support recorded as received outside the app.
pub const RECEIVED: &str = "operator:received";

/// A partner's prepaid balance: what the operator owes the partner.
#[must_use]
pub fn partner(id: PartnerId) -> String {
    format!("partner:{id}")
}
