//! The chart of accounts.

use entity::payment::Driver;
use entity::value::{LotId, PartnerId};

/// The operator's earned commission.
pub const COMMISSION: &str = "operator:commission";
/// The operator's part of paid penalties (PEN-5).
pub const PENALTIES: &str = "operator:penalties";
/// What the operator has granted as bonus, less what expired or was revoked.
pub const BONUS: &str = "operator:bonus";
/// Received money that is in nobody's balance: what support recorded, and what was paid for
/// penalties.
pub const RECEIVED: &str = "operator:received";
/// The operator's own money, credited to balances as goodwill.
pub const GOODWILL: &str = "operator:goodwill";
/// Money being returned to its payers.
pub const REFUNDS: &str = "operator:refunds";
/// Money being paid out to partners.
pub const PAYOUTS: &str = "operator:payouts";
/// Payables that support refused (BON-6).
pub const REFUSED: &str = "operator:payables_refused";
/// Payables that become bonus: lots are granted out of this account (BON-5).
pub const OWED_AS_BONUS: &str = "operator:owed_as_bonus";

/// A partner's prepaid balance, which the operator owes the partner.
#[must_use]
pub fn partner(id: PartnerId) -> String {
    format!("partner:{id}")
}

/// The rest of a bonus lot, free or held.
#[must_use]
pub fn lot(id: LotId) -> String {
    format!("lot:{id}")
}

/// What the operator owes a partner for orders that clients paid with bonus (BON-5).
#[must_use]
pub fn payable(id: PartnerId) -> String {
    format!("payable:{id}")
}

/// Money at a payment provider; what support records by hand is booked as received.
#[must_use]
pub fn gateway(driver: Driver) -> String {
    match driver {
        Driver::Manual => RECEIVED.to_owned(),
        Driver::Epoint => "gateway:epoint".to_owned(),
        Driver::Payriff => "gateway:payriff".to_owned(),
    }
}
