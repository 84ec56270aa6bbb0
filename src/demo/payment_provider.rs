//! The demo's payment provider on loopback, on whose pages the simulated people pay.

use entity::payment::Driver;
use fakes::FakeProvider;
use fakes::epoint::{Epoint, Merchant, Provider};
use simulator::Census;

use super::failed::DemoFailed;
use crate::config::Settings;
use platform::crypto::fresh_key;

/// The public key of the demo's merchant account.
const PUBLIC_KEY: &str = "i000000001";
/// The number of requests it records.
const REMEMBERS: usize = 1_000;
/// One in so many callbacks is dropped, so that the engine has to poll the provider.
const LOSES_ONE_OF: usize = 8;

/// Starts the provider and configures the engine to use it; `None` if the settings name a real
/// provider already, whose pages only real people may use.
///
/// # Errors
/// When it cannot listen.
pub fn open(settings: &mut Settings) -> Result<Option<Epoint>, DemoFailed> {
    if settings.payments.driver != Driver::Manual {
        return Ok(None);
    }
    let private_key = fresh_key().map_err(|fault| DemoFailed::because(fault.to_string()))?;
    let merchant = Merchant {
        public_key: PUBLIC_KEY.to_owned(),
        private_key: private_key.clone(),
        result_url: None,
    };
    let fake = FakeProvider::start(REMEMBERS, |url| {
        let mut provider = Provider::of(merchant).with_pages_at(url);
        provider.loses_one_of = LOSES_ONE_OF;
        provider.transfers_arrive = true;
        provider
    })?;
    let payments = &mut settings.payments;
    payments.driver = Driver::Epoint;
    payments.epoint.base_url.clone_from(&fake.url);
    PUBLIC_KEY.clone_into(&mut payments.epoint.public_key);
    payments.epoint.private_key = private_key;
    Ok(Some(fake))
}

/// Sets the address to which the provider sends its callbacks.
pub fn call_back_at(provider: &Epoint, base_url: &str) {
    provider.with(|state| state.calls_back_at(format!("{base_url}/v1/open/payments/epoint")));
}

/// Counts every request of the engine that breaks the provider's protocol as a violation.
pub fn report_breaches(provider: &Epoint, census: &Census) {
    for breach in provider.breaches() {
        census.violation(format!("the payment provider received {breach}"));
    }
}
