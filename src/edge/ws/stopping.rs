//! The word that the server stops: readers are told to come back, elsewhere or later.

use std::sync::Arc;

use tokio::sync::watch;

/// One for a server; every worker's hub holds it.
#[derive(Clone)]
pub struct Stopping(Arc<watch::Sender<bool>>);

impl Default for Stopping {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Stopping {
    /// Says it: every socket is closed with 1012, every long poll answers.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Was it said?
    #[must_use]
    pub fn begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is said.
    pub async fn wait(&self) {
        let mut word = self.0.subscribe();
        // It cannot fail: the sender is held here.
        let _ = word.wait_for(|begun| *begun).await;
    }
}
