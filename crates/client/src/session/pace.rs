//! The speed of the node's clock: a demo or a test may run its engine faster than real time.

use chrono::{DateTime, Utc};
use std::time::{Duration, SystemTime};

/// The longest single wait, in real time.
const REST_REAL_MAX: Duration = Duration::from_hours(1);
/// The shortest real wait: the resolution of the runtime's timer.
const REST_REAL_MIN: Duration = Duration::from_millis(1);

/// The current instant of this machine's clock, for measuring the latency of events.
#[expect(
    clippy::disallowed_methods,
    reason = "a client stands outside the engine and its injected clock"
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
