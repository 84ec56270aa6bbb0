//! The bus within one process.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Bus, WAITING_MAX, Wake};

/// Wakes followers of this process.
pub struct LocalBus(broadcast::Sender<Wake>);

impl LocalBus {
    /// A bus nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::channel(WAITING_MAX).0)
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalBus {
    /// Passes on what another node said.
    pub fn wake_from_far(&self, topics: Vec<String>) {
        self.say(topics, true);
    }

    fn say(&self, topics: Vec<String>, far: bool) {
        if !topics.is_empty() {
            // Nobody listening is fine: whoever comes reads first.
            let _ = self.0.send(Wake { topics: Arc::new(topics), far });
        }
    }
}

impl Bus for LocalBus {
    fn wake(&self, topics: Vec<String>) {
        self.say(topics, false);
    }

    fn listen(&self) -> broadcast::Receiver<Wake> {
        self.0.subscribe()
    }

    fn healthy(&self) -> bool {
        true
    }
}
