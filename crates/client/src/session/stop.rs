//! The stop signal, which ends every wait of a client.

use std::time::Duration;
use tokio::sync::watch;

/// A stop signal; it ends every wait at once.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

/// A stop signal and its sender: send `true` or drop the sender to stop.
pub fn stop_pair() -> (watch::Sender<bool>, StopSignal) {
    let (switch, signal) = watch::channel(false);
    (switch, StopSignal(signal))
}

impl From<watch::Receiver<bool>> for StopSignal {
    fn from(signal: watch::Receiver<bool>) -> Self {
        Self(signal)
    }
}

impl StopSignal {
    /// Whether the signal was given.
    pub fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns when the signal is given.
    pub async fn wait(&self) {
        let mut signal = self.0.clone();
        // An error means that the sender was dropped, which is a stop as well.
        let _over = signal.wait_for(|stop| *stop).await.is_ok();
    }

    /// Waits a real duration, or until the stop signal.
    ///
    /// Returns false once the signal was given.
    pub async fn rest(&self, real: Duration) -> bool {
        tokio::time::timeout(real, self.wait()).await.is_err()
    }
}
