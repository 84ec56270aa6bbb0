//! The bank of the demo's town: a payment provider on loopback, on whose pages its people pay.

use bank::Bank;
use bank::epoint::{Epoint, Merchant, Provider};
use entity::payment::Driver;
use town::Census;

use super::Failed;
use crate::config::Settings;
use crate::platform::crypto::fresh_key;

/// Names the town's merchant.
const PUBLIC_KEY: &str = "i000000001";
/// Requests it remembers.
const REMEMBERS: usize = 1_000;
/// Of so many callbacks one is lost: the engine has to ask by itself.
const LOSES_ONE_OF: usize = 8;

/// Opens the bank and makes it the engine's provider; none where the settings name one already,
/// whose pages are for real people alone.
///
/// # Errors
/// When it cannot listen.
pub fn open(settings: &mut Settings) -> Result<Option<Epoint>, Failed> {
    if settings.payments.driver != Driver::Manual {
        return Ok(None);
    }
    let private_key = fresh_key().map_err(|fault| Failed::because(fault.to_string()))?;
    let merchant = Merchant {
        public_key: PUBLIC_KEY.to_owned(),
        private_key: private_key.clone(),
        result_url: None,
    };
    let bank = Bank::listens(REMEMBERS, |url| {
        let mut provider = Provider::of(merchant).with_pages_at(url);
        provider.loses_one_of = LOSES_ONE_OF;
        provider.transfers_arrive = true;
        provider
    })?;
    let payments = &mut settings.payments;
    payments.driver = Driver::Epoint;
    payments.epoint.base_url.clone_from(&bank.url);
    PUBLIC_KEY.clone_into(&mut payments.epoint.public_key);
    payments.epoint.private_key = private_key;
    Ok(Some(bank))
}

/// The bank calls the engine back there.
pub fn calls(bank: &Epoint, base_url: &str) {
    bank.with(|provider| provider.calls_back_at(format!("{base_url}/v1/open/payments/epoint")));
}

/// What the engine said to the bank that no merchant may say must never be.
pub fn confesses(bank: &Epoint, census: &Census) {
    for breach in bank.breaches() {
        census.violation(format!("the bank heard {breach}"));
    }
}
