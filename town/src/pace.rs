//! The pace of the town's time, and the signal that ends every wait in it.

use chrono::{DateTime, Utc};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// The longest real wait anybody in the town makes in one go.
const REST_REAL_MAX: Duration = Duration::from_hours(1);
/// The shortest real wait: what the runtime's timer can tell apart.
const REST_REAL_MIN: Duration = Duration::from_millis(1);

/// The instant now on this machine's clock, for telling how late an event came.
#[expect(
    clippy::disallowed_methods,
    reason = "the town stands outside the engine and its injected clock"
)]
pub fn wall_now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}

/// How fast the town's time runs: waits of its people are divided by it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    speed_milli: u64,
}

impl Pace {
    /// The pace of a speed; 1 is real time, 60 a minute in a second. What is no sensible speed
    /// counts as 1.
    pub fn of(speed: f64) -> Self {
        let milli = Duration::try_from_secs_f64(speed).map_or(1000, |as_secs| as_secs.as_millis());
        Self { speed_milli: u64::try_from(milli).unwrap_or(1000).max(1) }
    }

    /// Whether the town's time is real time.
    pub fn is_real(self) -> bool {
        self.speed_milli == 1000
    }

    /// The real wait that is a wait of so many of the town's seconds.
    pub fn real(self, town_secs: u64) -> Duration {
        self.real_of(Duration::from_secs(town_secs)).clamp(REST_REAL_MIN, REST_REAL_MAX)
    }

    /// The real length of a span of the town's time.
    pub fn real_of(self, town: Duration) -> Duration {
        let micros = town.as_micros().saturating_mul(1000) / u128::from(self.speed_milli);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The length in the town's time of a real span.
    pub fn town_of(self, real: Duration) -> Duration {
        let micros = real.as_micros().saturating_mul(u128::from(self.speed_milli)) / 1000;
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// The signal that the town is to stop; every wait in it ends at once.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A stop signal and its switch: send `true` or drop the switch to stop.
pub fn stop_pair() -> (watch::Sender<bool>, Stop) {
    let (switch, signal) = watch::channel(false);
    (switch, Stop(signal))
}

impl From<watch::Receiver<bool>> for Stop {
    fn from(signal: watch::Receiver<bool>) -> Self {
        Self(signal)
    }
}

impl Stop {
    /// Whether it is over.
    pub fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Comes back when it is over.
    pub async fn wait(&self) {
        let mut signal = self.0.clone();
        // An error means that the switch is gone: that is a stop as well.
        let _over = signal.wait_for(|stop| *stop).await.is_ok();
    }

    /// Waits a real span, or until it is over.
    ///
    /// Answers whether life goes on.
    pub async fn rest(&self, real: Duration) -> bool {
        tokio::time::timeout(real, self.wait()).await.is_err()
    }
}
