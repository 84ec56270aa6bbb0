//! The channel that one-time codes are sent by.

use std::sync::Arc;

use entity::value::Phone;

use crate::access::OtpChannel;

/// A way to send codes to phones.
pub trait Codes: Send + Sync {
    /// Sends the code; never blocks. If a code is lost, the person requests another.
    fn send(&self, phone: &Phone, code: &str);
}

/// The way in use, as shared with commands.
pub struct CodeChannel(pub Arc<dyn Codes>);

impl OtpChannel {
    /// Opens the channel.
    #[must_use]
    pub fn open(self) -> CodeChannel {
        match self {
            Self::Log => CodeChannel(Arc::new(LogCodes)),
        }
    }
}

/// Writes codes to the server's log, for development.
pub struct LogCodes;

impl Codes for LogCodes {
    fn send(&self, phone: &Phone, code: &str) {
        tracing::info!(phone = phone.as_str(), code, "one-time code");
    }
}
