//! A concurrent latency histogram whose buckets grow by an eighth.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets: eight per doubling, from a microsecond to over an hour.
const BUCKETS: usize = 8 * 33;

/// A latency histogram with a precision of an eighth.
#[derive(Debug)]
pub struct DurationHistogram {
    buckets: Vec<AtomicU64>,
    count: AtomicU64,
    max_micros: AtomicU64,
}

impl Default for DurationHistogram {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, count: AtomicU64::new(0), max_micros: AtomicU64::new(0) }
    }
}

impl DurationHistogram {
    /// Records one duration.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket_of(micros)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.max_micros.fetch_max(micros, Relaxed);
    }

    /// The number of recorded durations.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// The longest recorded duration.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.max_micros.load(Relaxed))
    }

    /// The quantile in thousandths; zero when nothing was recorded.
    pub fn at(&self, per_mille: u64) -> Duration {
        let whole = self.count();
        let wanted = (whole.saturating_mul(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0;
        for (number, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Relaxed);
            if whole > 0 && seen >= wanted {
                return Duration::from_micros(top_of(number)).min(self.max());
            }
        }
        self.max()
    }
}

/// The bucket of a number of microseconds.
fn bucket_of(micros: u64) -> usize {
    let micros = micros.max(8);
    let doubling = micros.ilog2();
    let eighth = (micros >> (doubling - 3)) & 7;
    let number = u64::from(doubling - 3) * 8 + eighth;
    usize::try_from(number).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The first microsecond above a bucket.
fn top_of(number: usize) -> u64 {
    let number = u64::try_from(number).unwrap_or(0);
    let (doubling, eighth) = (number / 8, number % 8);
    (8 + eighth + 1) << doubling.min(50)
}

#[cfg(test)]
mod tests {
    use super::DurationHistogram;
    use std::time::Duration;

    #[test]
    fn percentiles_are_good_to_an_eighth() {
        let spread = DurationHistogram::default();
        for millis in 1..=1000 {
            spread.record(Duration::from_millis(millis));
        }
        let median = spread.at(500).as_millis();
        assert!((500..=563).contains(&median), "{median}");
        assert_eq!(spread.max().as_millis(), 1000);
        assert_eq!(spread.at(1000).as_millis(), 1000);
        assert_eq!(spread.count(), 1000);
    }
}
