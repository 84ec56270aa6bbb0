//! The stop signal of the server, on which feeds are closed so that clients reconnect elsewhere.

use std::sync::Arc;

use tokio::sync::watch;

/// The stop signal, shared by the hubs of all workers.
#[derive(Clone)]
pub struct Stopping(Arc<watch::Sender<bool>>);

impl Default for Stopping {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Stopping {
    /// Signals the stop: every socket is closed with 1012, every long poll answers.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether the stop was signalled.
    #[must_use]
    pub fn begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the signal.
    pub async fn wait(&self) {
        let mut word = self.0.subscribe();
        // It cannot fail: the sender is held here.
        let _ = word.wait_for(|begun| *begun).await;
    }
}
