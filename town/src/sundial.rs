//! The engine's time, as whoever hears from it can reckon it: what it said last, and how fast it
//! goes.

use crate::pace::Pace;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long it must have been watched before its own pace counts.
const WATCHED_MIN: Duration = Duration::from_secs(2);

/// A reading of the engine's time, and when it was taken.
#[derive(Debug, Clone, Copy)]
struct Reading {
    said: DateTime<Utc>,
    at: Instant,
}

/// The engine's time. Until it was watched for a while it is taken to go at the town's pace; a
/// server with a real clock may serve people who are in a hurry.
#[derive(Debug)]
pub struct Sundial {
    pace: Pace,
    readings: Mutex<Option<(Reading, Reading)>>,
}

impl Sundial {
    /// A sundial nobody has looked at.
    pub fn of(pace: Pace) -> Self {
        Self { pace, readings: Mutex::default() }
    }

    /// Takes in what the engine says; what came late tells nothing.
    pub fn read(&self, said: DateTime<Utc>) {
        self.take(Reading { said, at: Instant::now() });
    }

    /// The engine's time now; none where it was never heard.
    pub fn now(&self) -> Option<DateTime<Utc>> {
        self.at(Instant::now())
    }

    /// How long it really takes until then; nothing where it is past or was never heard.
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
            None => self.pace.town_of(since),
        };
        let passed = TimeDelta::from_std(passed).unwrap_or_default();
        last.said.checked_add_signed(passed).unwrap_or(last.said)
    }
}

/// Thousandths of its seconds in a real one, once it was watched for a while.
fn rate_milli(first: Reading, last: Reading) -> Option<u128> {
    let watched = last.at.saturating_duration_since(first.at);
    let passed = (last.said - first.said).to_std().ok()?;
    let micros = watched.as_micros();
    let rate = passed.as_micros().saturating_mul(1000).checked_div(micros)?;
    (watched >= WATCHED_MIN && rate > 0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::{Reading, Sundial};
    use crate::pace::Pace;
    use chrono::{DateTime, TimeDelta};
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn it_goes_as_it_was_seen_to_go() {
        let (began, noon) = (Instant::now(), DateTime::UNIX_EPOCH);
        let dial = Sundial::of(Pace::of(60.0));
        let after = |secs| began + Duration::from_secs(secs);
        assert_eq!(dial.at(began), None);
        dial.take(Reading { said: noon, at: began });
        // Hurried people believe at first that everybody hurries …
        assert_eq!(dial.at(after(1)), Some(noon + TimeDelta::seconds(60)));
        // … and see then that the engine's clock is real.
        dial.take(Reading { said: noon + TimeDelta::seconds(10), at: after(10) });
        assert_eq!(dial.at(after(25)), Some(noon + TimeDelta::seconds(25)));
        // What was said before counts no more when it comes late.
        dial.take(Reading { said: noon + TimeDelta::seconds(2), at: after(12) });
        assert_eq!(dial.at(after(25)), Some(noon + TimeDelta::seconds(25)));
        assert_eq!(dial.until(noon), Duration::ZERO);
    }
}
