//! The bus within one process.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Bus, WAITING_MAX, Wake};

/// The bus of a single process.
pub struct LocalBus(broadcast::Sender<Wake>);

impl LocalBus {
    /// A bus without listeners.
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
    /// Passes on a wake-up from another node.
    pub fn wake_from_far(&self, topics: Vec<String>) {
        self.say(topics, true);
    }

    fn say(&self, topics: Vec<String>, far: bool) {
        if !topics.is_empty() {
            // No listeners is no error: a new one reads before it waits.
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
