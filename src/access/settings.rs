//! The settings of signing in.

use serde::Deserialize;

/// Where one-time codes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtpChannel {
    /// Into the server's log, for development.
    Log,
}

impl AccessSettings {
    /// Lifts the limits on codes: for the simulator, which acts from one address.
    pub fn lift_budgets(&mut self) {
        self.otp_per_phone_day_all = u32::MAX;
        (self.otp_per_address_hour, self.otp_per_address_day) = (u32::MAX, u32::MAX);
        (self.otp_per_block_hour, self.otp_per_block_day) = (u32::MAX, u32::MAX);
        (self.otp_per_prefix_hour, self.otp_per_all_hour) = (u32::MAX, u32::MAX);
    }
}

/// The settings of signing in; keys are described in `config/default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is described in config/default.toml")]
pub struct AccessSettings {
    pub otp_channel: OtpChannel,
    pub otp_countries: Vec<String>,
    pub otp_ttl_s: u32,
    pub otp_tries: u16,
    pub otp_resend_s: u32,
    pub otp_per_phone_day: u32,
    pub otp_per_phone_day_all: u32,
    pub otp_per_address_hour: u32,
    pub otp_per_address_day: u32,
    pub otp_per_block_hour: u32,
    pub otp_per_block_day: u32,
    pub otp_per_prefix_hour: u32,
    pub otp_per_all_hour: u32,
    pub otp_alarm_pct: u32,
    pub access_ttl_s: u32,
    pub refresh_ttl_days: u16,
    pub refresh_grace_s: u32,
    pub ticket_ttl_s: u32,
}
