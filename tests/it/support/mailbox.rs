//! The one-time codes sent in a test: the newest of each phone.

use std::collections::HashMap;
use std::sync::Mutex;

use entity::value::Phone;
use yumo::access::Codes;

/// The newest code of each phone.
#[derive(Default)]
pub struct Mailbox(Mutex<HashMap<String, String>>);

impl Mailbox {
    /// The newest code of a phone; removed when read.
    pub fn take(&self, phone: &str) -> String {
        let code = self.0.lock().unwrap().remove(phone);
        code.unwrap_or_else(|| panic!("no code came to {phone}"))
    }
}

impl Codes for Mailbox {
    fn send(&self, phone: &Phone, code: &str) {
        self.0.lock().unwrap().insert(phone.as_str().to_owned(), code.to_owned());
    }
}
