//! One-time codes: the town's people find theirs in a mailbox, whoever watches finds them in the
//! log.

use std::sync::Arc;

use entity::value::Phone;
use town::Mailbox;

use crate::access::otp::Codes;

/// Delivers to the town, and writes down what it delivered.
pub struct Post(pub Arc<Mailbox>);

impl Codes for Post {
    fn send(&self, phone: &Phone, code: &str) {
        tracing::info!(phone = phone.as_str(), code, "one-time code");
        self.0.deliver(phone.as_str(), code);
    }
}
