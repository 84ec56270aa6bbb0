//! One-time codes: how a session receives what was sent to its phone.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a sign-in waits for a code.
const CODE_WAIT_MAX: Duration = Duration::from_secs(15);
/// Unread codes kept.
const UNREAD_MAX: usize = 200_000;

/// A source of the one-time codes sent to a phone.
pub trait Codes: Send + Sync {
    /// The last code sent to this phone, with a bounded wait; each code is returned once.
    fn code<'a>(&'a self, phone: &'a str) -> BoxFuture<'a, Option<String>>;
}

/// An in-memory inbox of codes, filled by whoever delivers them, such as a reader of the server's
/// log.
#[derive(Debug, Default)]
pub struct Mailbox {
    unread: Mutex<HashMap<String, String>>,
    news: Notify,
}

impl Mailbox {
    /// Stores a code, replacing an older one for the same phone.
    pub fn deliver(&self, phone: &str, code: &str) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.len() < UNREAD_MAX || unread.contains_key(phone) {
            unread.insert(phone.to_owned(), code.to_owned());
        }
        drop(unread);
        self.news.notify_waiters();
    }

    fn take(&self, phone: &str) -> Option<String> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).remove(phone)
    }

    async fn wait_for(&self, phone: &str) -> String {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some(code) = self.take(phone) {
                return code;
            }
            news.await;
        }
    }
}

impl Codes for Mailbox {
    fn code<'a>(&'a self, phone: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(
            async move { tokio::time::timeout(CODE_WAIT_MAX, self.wait_for(phone)).await.ok() },
        )
    }
}
