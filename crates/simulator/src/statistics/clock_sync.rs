//! An estimate of the server's current time, from its last reported time and its observed rate.

use chrono::{DateTime, TimeDelta, Utc};
use client::Pace;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the clock must be observed before its measured rate is used.
const WATCHED_MIN: Duration = Duration::from_secs(2);

/// A reported server time, and when it was received.
#[derive(Debug, Clone, Copy)]
struct Reading {
    said: DateTime<Utc>,
    at: Instant,
}

/// The estimate of the server's time. Until the clock was observed long enough, it is assumed to
/// run at the simulator's speed; a server with a real clock may serve a sped-up simulator.
#[derive(Debug)]
pub struct ClockSync {
    pace: Pace,
    readings: Mutex<Option<(Reading, Reading)>>,
}

impl ClockSync {
    /// An estimate without any reading.
    pub fn of(pace: Pace) -> Self {
        Self { pace, readings: Mutex::default() }
    }

    /// Adds a reported server time; readings out of order are ignored.
    pub fn read(&self, said: DateTime<Utc>) {
        self.take(Reading { said, at: Instant::now() });
    }

    /// The server's estimated time; `None` before the first reading.
    pub fn now(&self) -> Option<DateTime<Utc>> {
        self.at(Instant::now())
    }

    /// The real duration until a server instant; zero if it is past or nothing was read yet.
    pub fn until(&self, then: DateTime<Utc>) -> Duration {
        let Some((first, last)) = *self.readings.lock().unwrap_or_else(PoisonError::into_inner)
        else {
            return Duration::ZERO;
        };
        let left = (then - self.reckon(first, last, Instant::now())).to_std().unwrap_or_default();
        match rate_milli(first, last) {
            Some(milli) => {
                let micros = left.as_micros().saturating_mul(1000) / milli.max(1);
                Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            }
            None => self.pace.real_of(left),
        }
    }

    fn take(&self, reading: Reading) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        *readings = Some(match *readings {
            None => (reading, reading),
            Some((first, last)) if reading.said > last.said => (first, reading),
            Some(known) => known,
        });
    }

    fn at(&self, at: Instant) -> Option<DateTime<Utc>> {
        let readings = *self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.map(|(first, last)| self.reckon(first, last, at))
    }

    fn reckon(&self, first: Reading, last: Reading, at: Instant) -> DateTime<Utc> {
        let since = at.saturating_duration_since(last.at);
        let passed = match rate_milli(first, last) {
            Some(milli) => {
                let micros = since.as_micros().saturating_mul(milli) / 1000;
                Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            }
            None => self.pace.simulated_of(since),
        };
        let passed = TimeDelta::from_std(passed).unwrap_or_default();
        last.said.checked_add_signed(passed).unwrap_or(last.said)
    }
}

/// Server milliseconds per real second, once the clock was observed long enough.
fn rate_milli(first: Reading, last: Reading) -> Option<u128> {
    let watched = last.at.saturating_duration_since(first.at);
    let passed = (last.said - first.said).to_std().ok()?;
    let micros = watched.as_micros();
    let rate = passed.as_micros().saturating_mul(1000).checked_div(micros)?;
    (watched >= WATCHED_MIN && rate > 0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::{ClockSync, Reading};
    use chrono::{DateTime, TimeDelta};
    use client::Pace;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn it_goes_as_it_was_seen_to_go() {
        let (began, noon) = (Instant::now(), DateTime::UNIX_EPOCH);
        let dial = ClockSync::of(Pace::of(60.0));
        let after = |secs| began + Duration::from_secs(secs);
        assert_eq!(dial.at(began), None);
        dial.take(Reading { said: noon, at: began });
        // A sped-up client first assumes that the server is sped up too …
        assert_eq!(dial.at(after(1)), Some(noon + TimeDelta::seconds(60)));
        // … and then observes that the server's clock is real.
        dial.take(Reading { said: noon + TimeDelta::seconds(10), at: after(10) });
        assert_eq!(dial.at(after(25)), Some(noon + TimeDelta::seconds(25)));
        // An older reading that arrives late is ignored.
        dial.take(Reading { said: noon + TimeDelta::seconds(2), at: after(12) });
        assert_eq!(dial.at(after(25)), Some(noon + TimeDelta::seconds(25)));
        assert_eq!(dial.until(noon), Duration::ZERO);
    }
}
