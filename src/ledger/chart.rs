//! The chart of accounts.

use entity::payment::Driver;
use entity::value::{LotId, PartnerId};

/// The operator's earned commission.
pub const COMMISSION: &str = "operator:commission";
/// The operator's part of paid penalties (PEN-5).
pub const PENALTIES: &str = "operator:penalties";
/// What the operator has given as bonus, less what expired of it or was taken back.
pub const BONUS: &str = "operator:bonus";
/// Money that was received and is not anybody's balance: what support recorded, and what came for
/// penalties.
pub const RECEIVED: &str = "operator:received";
/// The operator's own money given to balances as goodwill.
pub const GOODWILL: &str = "operator:goodwill";
/// Money on its way back to whoever paid it.
pub const REFUNDS: &str = "operator:refunds";
/// Money on its way to partners.
pub const PAYOUTS: &str = "operator:payouts";
/// What support refused to owe a partner (BON-6).
pub const REFUSED: &str = "operator:payables_refused";
/// What is owed and becomes bonus: lots are granted out of it (BON-5).
pub const OWED_AS_BONUS: &str = "operator:owed_as_bonus";

/// A partner's prepaid balance: what the operator owes the partner.
#[must_use]
pub fn partner(id: PartnerId) -> String {
    format!("partner:{id}")
}

/// What is left of a bonus lot: free or held.
#[must_use]
pub fn lot(id: LotId) -> String {
    format!("lot:{id}")
}

/// What the operator owes a partner for orders that clients paid with bonus (BON-5).
#[must_use]
pub fn payable(id: PartnerId) -> String {
    format!("payable:{id}")
}

/// Money at a payment provider; what support records by hand is simply received.
#[must_use]
pub fn gateway(driver: Driver) -> String {
    match driver {
        Driver::Manual => RECEIVED.to_owned(),
        Driver::Epoint => "gateway:epoint".to_owned(),
        Driver::Payriff => "gateway:payriff".to_owned(),
    }
}
