//! Payment providers: which ones are configured, and the protocol of each (BAL-5, BON-5).

pub mod epoint;
mod line;
pub mod manual;
pub mod payriff;

use std::sync::Arc;

use crate::billing::gateway::{Gateways, Payments};
use crate::config::PaymentSettings;
use epoint::Epoint;
use line::ProviderClient;
use manual::Manual;
use payriff::Payriff;
use platform::crypto::Keys;

/// The providers that have keys; `public_url` is the address of their callbacks.
///
/// # Errors
/// What is wrong with the settings.
pub fn open(
    settings: &PaymentSettings,
    public_url: &str,
    keys: &Arc<Keys>,
) -> Result<Gateways, String> {
    let mut all: Vec<Arc<dyn Payments>> = vec![Arc::new(Manual)];
    if !settings.epoint.private_key.is_empty() {
        let line = ProviderClient::to(&settings.epoint.base_url, settings.timeout_s)?;
        all.push(Arc::new(Epoint::new(line, settings, Arc::clone(keys))));
    }
    if !settings.payriff.app_key.is_empty() {
        let line = ProviderClient::to(&settings.payriff.base_url, settings.timeout_s)?;
        all.push(Arc::new(Payriff::new(line, settings, public_url, Arc::clone(keys))));
    }
    let gateways = Gateways::new(settings.driver, all);
    let name = settings.driver;
    match gateways.of(name) {
        Some(_) => Ok(gateways),
        None => Err(format!("payments.driver is {name:?}, which has no keys")),
    }
}
