//! The settings of payment providers; they are never shown.

use serde::Deserialize;

/// The settings of Epoint; keys are described in `config/default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct EpointSettings {
    pub base_url: String,
    pub public_key: String,
    pub private_key: String,
}

/// The settings of Payriff; keys are described in `config/default.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct PayriffSettings {
    pub base_url: String,
    pub app_key: String,
    pub merchant: String,
}

impl std::fmt::Debug for EpointSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EpointSettings(…)")
    }
}

impl std::fmt::Debug for PayriffSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayriffSettings(…)")
    }
}
