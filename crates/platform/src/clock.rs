//! The clock that all code reads: real, faster than real (the demo), or set by a test.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use entity::value::Instant;
use tokio::sync::Notify;

/// The current time, and waiting for a later one.
pub trait Clock: Send + Sync + 'static {
    /// Now, in microseconds.
    fn now(&self) -> Instant;

    /// Waits until the instant has come.
    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Seconds of this clock that pass in one real second.
    fn speed(&self) -> u32 {
        1
    }

    /// The machine's time of day now, where this clock was started from it.
    fn wall(&self) -> Option<Instant> {
        None
    }

    /// Corrects the clock by so much (positive: it is behind) by running a little faster or slower
    /// for a moment. It never jumps and never goes back.
    fn steer(&self, _ahead: TimeDelta) {}
}

/// The clocks of a machine.
pub trait Machine: Send + Sync + 'static {
    /// The time of day, which an operator or a time service may set.
    fn wall(&self) -> Instant;

    /// How long the machine has run, including the time it was suspended; it cannot be set.
    fn running(&self) -> Duration;
}

/// The machine this process runs on.
pub struct Here;

impl Machine for Here {
    fn wall(&self) -> Instant {
        real_now()
    }

    #[cfg(target_os = "linux")]
    fn running(&self) -> Duration {
        let passed = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(passed).unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn running(&self) -> Duration {
        static STARTED: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        STARTED.elapsed()
    }
}

/// Largest correction, microseconds in a second: too small to be noticed.
const SLEW_MAX: i64 = 5_000;
/// Seconds after which a correction ends by itself.
const SLEW_S: i64 = 2;
/// The longest sleep before a wait reads the clock again.
const RECHECK: Duration = Duration::from_secs(1);

/// A clock set from the time of day once, when the process starts; from then on it follows the
/// machine's running time, at `speed` times that pace. A time of day that jumps moves no deadline.
pub struct WallClock {
    machine: Arc<dyn Machine>,
    anchor: RwLock<Anchor>,
    speed: u32,
    real: bool,
}

/// The clock showed `base` when the machine had run for `at`.
#[derive(Clone, Copy)]
struct Anchor {
    base: Instant,
    at: Duration,
    slew: i64,
}

impl WallClock {
    /// Real time.
    #[must_use]
    pub fn real() -> Self {
        Self::of(Arc::new(Here))
    }

    /// The real time of this machine.
    #[must_use]
    pub fn of(machine: Arc<dyn Machine>) -> Self {
        let base = machine.wall();
        Self { real: true, ..Self::on(machine, base, 1) }
    }

    /// Time that begins at `base` and passes `speed` times as fast as real time.
    #[must_use]
    pub fn from(base: Instant, speed: u32) -> Self {
        Self::on(Arc::new(Here), base, speed)
    }

    fn on(machine: Arc<dyn Machine>, base: Instant, speed: u32) -> Self {
        let anchor = RwLock::new(Anchor { base, at: machine.running(), slew: 0 });
        Self { machine, anchor, speed: speed.max(1), real: false }
    }

    fn shows(&self, anchor: Anchor, running: Duration) -> Instant {
        let passed = running.saturating_sub(anchor.at).saturating_mul(self.speed);
        let passed = TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
        let slewed = passed.min(TimeDelta::seconds(SLEW_S)).num_microseconds().unwrap_or(0);
        let slewed = TimeDelta::microseconds(slewed * anchor.slew / 1_000_000);
        let now = anchor.base.checked_add_signed(passed + slewed).unwrap_or(anchor.base);
        now.trunc_subsecs(6)
    }
}

/// The machine's own time, cut to microseconds.
#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
#[must_use]
pub fn real_now() -> Instant {
    chrono::Utc::now().trunc_subsecs(6)
}

/// A real pause for technical reasons: between re-runs of a contended command, never a business
/// wait.
#[expect(clippy::disallowed_methods, reason = "the one place where the machinery pauses")]
pub async fn pause(real: Duration) {
    tokio::time::sleep(real).await;
}

impl Clock for WallClock {
    fn now(&self) -> Instant {
        let anchor = *self.anchor.read().unwrap_or_else(PoisonError::into_inner);
        self.shows(anchor, self.machine.running())
    }

    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let now = self.now();
                let Ok(left) = (at - now).to_std() else { return };
                if left.is_zero() {
                    return;
                }
                // After a suspension the sleep would end too late.
                pause((left / self.speed).min(RECHECK)).await;
            }
        })
    }

    fn speed(&self) -> u32 {
        self.speed
    }

    fn wall(&self) -> Option<Instant> {
        self.real.then(|| self.machine.wall())
    }

    fn steer(&self, ahead: TimeDelta) {
        let mut anchor = self.anchor.write().unwrap_or_else(PoisonError::into_inner);
        let running = self.machine.running();
        let base = self.shows(*anchor, running);
        let micros = ahead.num_microseconds().unwrap_or(0);
        *anchor = Anchor { base, at: running, slew: micros.clamp(-SLEW_MAX, SLEW_MAX) };
    }
}

/// A clock that stands still until a test moves it.
#[derive(Clone)]
pub struct TestClock {
    now: Arc<Mutex<Instant>>,
    moved: Arc<Notify>,
}

impl TestClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Instant) -> Self {
        Self { now: Arc::new(Mutex::new(now)), moved: Arc::new(Notify::new()) }
    }

    /// Moves it on to `at`; never back.
    pub fn set(&self, at: Instant) {
        {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = at.trunc_subsecs(6).max(*now);
        }
        self.moved.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let moved = self.moved.notified();
                if self.now() >= at {
                    return;
                }
                moved.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine in a test's hand: wall-clock microseconds, and how long it has run.
    struct Set(Mutex<(Instant, Duration)>);

    impl Machine for Set {
        fn wall(&self) -> Instant {
            self.0.lock().unwrap().0
        }

        fn running(&self) -> Duration {
            self.0.lock().unwrap().1
        }
    }

    /// OUT-1: the time of day jumps by an hour, back and forth; the clock goes on by what has run.
    #[test]
    fn out_1_a_jump_of_the_time_of_day_moves_nothing() {
        let start = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let machine = Arc::new(Set(Mutex::new((start, Duration::from_secs(100)))));
        let clock = WallClock::of(Arc::<Set>::clone(&machine));
        for (hours, ran) in [(-1, 1), (1, 2), (0, 3)] {
            let wall = start + TimeDelta::hours(hours);
            *machine.0.lock().unwrap() = (wall, Duration::from_secs(100 + ran));
            assert_eq!(clock.now(), start + TimeDelta::seconds(ran.cast_signed()));
            assert_eq!(clock.wall(), Some(wall));
        }
    }

    /// OUT-1: a correction is 5 ms in a second at the most, ends by itself, and never goes back.
    #[test]
    fn out_1_a_correction_is_slow() {
        let start = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let machine = Arc::new(Set(Mutex::new((start, Duration::ZERO))));
        let clock = WallClock::of(Arc::<Set>::clone(&machine));
        let runs = |seconds| machine.0.lock().unwrap().1 = Duration::from_secs(seconds);
        let shows =
            |seconds, millis| start + TimeDelta::seconds(seconds) + TimeDelta::milliseconds(millis);
        clock.steer(TimeDelta::hours(-1));
        assert_eq!(clock.now(), start);
        runs(1);
        assert_eq!(clock.now(), shows(1, -5));
        clock.steer(TimeDelta::milliseconds(3));
        runs(2);
        assert_eq!(clock.now(), shows(2, -2));
        clock.steer(TimeDelta::hours(1));
        runs(100);
        assert_eq!(clock.now(), shows(100, 8));
    }
}
