//! Delivery of one-time codes: to the simulator's mailbox for its people, and to the log for the
//! user.

use std::sync::Arc;

use client::Mailbox;
use entity::value::Phone;

use crate::access::Codes;

/// Delivers codes to the simulator and logs them.
pub struct Post(pub Arc<Mailbox>);

impl Codes for Post {
    fn send(&self, phone: &Phone, code: &str) {
        tracing::info!(phone = phone.as_str(), code, "one-time code");
        self.0.deliver(phone.as_str(), code);
    }
}
