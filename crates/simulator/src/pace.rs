//! The speed of simulated time, and the stop signal that ends every wait.

use chrono::{DateTime, Utc};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// The longest single wait, in real time.
const REST_REAL_MAX: Duration = Duration::from_hours(1);
/// The shortest real wait: the resolution of the runtime's timer.
const REST_REAL_MIN: Duration = Duration::from_millis(1);

/// The current instant of this machine's clock, for measuring the latency of events.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator stands outside the engine and its injected clock"
)]
pub fn wall_now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}

/// The speed of simulated time; waits are divided by it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    speed_milli: u64,
}

impl Pace {
    /// The pace for a speed; 1 is real time, 60 a minute per second. An invalid speed counts as 1.
    pub fn of(speed: f64) -> Self {
        let milli = Duration::try_from_secs_f64(speed).map_or(1000, |as_secs| as_secs.as_millis());
        Self { speed_milli: u64::try_from(milli).unwrap_or(1000).max(1) }
    }

    /// Whether simulated time runs at the speed of real time.
    pub fn is_real(self) -> bool {
        self.speed_milli == 1000
    }

    /// The real duration of a wait in simulated seconds.
    pub fn real(self, simulated_secs: u64) -> Duration {
        self.real_of(Duration::from_secs(simulated_secs)).clamp(REST_REAL_MIN, REST_REAL_MAX)
    }

    /// The real duration of a simulated duration.
    pub fn real_of(self, simulated: Duration) -> Duration {
        let micros = simulated.as_micros().saturating_mul(1000) / u128::from(self.speed_milli);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The simulated duration of a real duration.
    pub fn simulated_of(self, real: Duration) -> Duration {
        let micros = real.as_micros().saturating_mul(u128::from(self.speed_milli)) / 1000;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// The stop signal of the simulator; it ends every wait at once.
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
