//! The clock everything asks: real, faster than real (the demo), or held by a test.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};
use entity::value::Instant;
use tokio::sync::Notify;

/// What time it is, and waiting until it is later.
pub trait Clock: Send + Sync + 'static {
    /// Now, in microseconds.
    fn now(&self) -> Instant;

    /// Waits until the instant has come.
    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// How many of its seconds pass in a real one.
    fn speed(&self) -> u32 {
        1
    }
}

/// The machine's clock, from `base` on at `speed` times its pace.
pub struct WallClock {
    base: Instant,
    started: std::time::Instant,
    speed: u32,
    real: bool,
}

impl WallClock {
    /// Real time.
    #[must_use]
    pub fn real() -> Self {
        Self { real: true, ..Self::from(real_now(), 1) }
    }

    /// Time that begins at `base` and passes `speed` times as fast as real time.
    #[must_use]
    pub fn from(base: Instant, speed: u32) -> Self {
        Self { base, started: std::time::Instant::now(), speed: speed.max(1), real: false }
    }
}

/// The machine's own time, cut to microseconds.
#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
#[must_use]
pub fn real_now() -> Instant {
    chrono::Utc::now().trunc_subsecs(6)
}

/// A real pause inside the machinery: between re-runs of a contended command, never a business
/// wait.
#[expect(clippy::disallowed_methods, reason = "the one place where the machinery pauses")]
pub async fn pause(real: Duration) {
    tokio::time::sleep(real).await;
}

impl Clock for WallClock {
    fn now(&self) -> Instant {
        if self.real {
            return real_now();
        }
        let passed = self.started.elapsed().saturating_mul(self.speed);
        let passed = TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
        self.base.checked_add_signed(passed).unwrap_or(self.base).trunc_subsecs(6)
    }

    fn until(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let now = self.now();
                let Ok(left) = (at - now).to_std() else { return };
                if left.is_zero() {
                    return;
                }
                pause(left / self.speed).await;
            }
        })
    }

    fn speed(&self) -> u32 {
        self.speed
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
            let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *now = at.trunc_subsecs(6).max(*now);
        }
        self.moved.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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
