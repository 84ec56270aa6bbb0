//! Parsing of phone numbers as people type them, the same at every entry point (ACC-1, LIM-10).

use entity::value::Phone;
use entity::value::phone::NotAPhone;

use crate::access::{AccessSettings, Refusal};
use platform::Refused;
use platform::codes::General;

/// Parses a text into the canonical form of its number (ACC-1), of a country that is served
/// (LIM-10).
///
/// # Errors
/// `malformed`, `phone_impossible` or `country_not_served`.
pub fn read(text: &str, settings: &AccessSettings) -> Result<Phone, Refused> {
    let phone = match text.parse::<Phone>() {
        Ok(phone) => phone,
        Err(NotAPhone::Impossible) => return Err(Refusal::PhoneImpossible.refused()),
        Err(NotAPhone::Malformed) => {
            return Err(General::Malformed.refused().because(NotAPhone::Malformed.to_string()));
        }
    };
    let served = phone.is_of(&settings.otp_countries);
    if served { Ok(phone) } else { Err(Refusal::CountryNotServed.refused()) }
}
