//! Rate limits: token buckets by key, kept in memory and shared between nodes (LIM-9).
//!
//! A bucket holds `burst` tokens and gains `per_s` each second; a request takes its weight. The
//! decision is made in memory, so no request waits for another process. Where several nodes serve,
//! [`shared`] adds up in Redis what all of them took; without Redis each node goes on by itself.

pub mod shared;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most buckets in memory; beyond that the fullest are dropped, and if none is full, new keys are
/// not limited.
const KEYS_MAX: usize = 200_000;
/// A bucket is shared with other nodes once this fraction of it (one eighth) was taken.
const SHARED_FROM: u64 = 8;
const MICROS: u64 = 1_000_000;

/// The size and rate of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name in answers.
    pub name: &'static str,
    /// Tokens of a full bucket.
    pub burst: u32,
    /// Tokens gained each second, a million at most.
    pub per_s: u32,
}

impl Quota {
    /// Microseconds to gain one token.
    fn interval(&self) -> u64 {
        (MICROS / u64::from(self.per_s.max(1))).max(1)
    }

    /// Microseconds to fill an empty bucket.
    fn whole(&self) -> u64 {
        self.interval().saturating_mul(u64::from(self.burst))
    }

    /// Seconds to fill an empty bucket, rounded up.
    #[must_use]
    pub fn window_s(&self) -> u64 {
        self.whole().div_ceil(MICROS)
    }
}

/// The bucket has not enough tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The bucket's quota.
    pub quota: Quota,
    /// The time until there are enough.
    pub retry_after: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When it is full again, microseconds since the start.
    full_at: u64,
    /// Tokens taken here that other nodes do not know of yet.
    unshared: u32,
}

/// The buckets of one quota.
pub struct Buckets {
    quota: Quota,
    started: Instant,
    by_key: Mutex<HashMap<u128, Bucket>>,
}

impl Buckets {
    /// Full buckets.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self { quota, started: Instant::now(), by_key: Mutex::default() }
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<u128, Bucket>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Takes `weight` tokens out of a bucket.
    ///
    /// # Errors
    /// When there are not enough; none are taken then.
    pub fn take(&self, key: u128, weight: u32) -> Result<(), Exceeded> {
        self.take_at(key, weight, self.now())
    }

    fn take_at(&self, key: u128, weight: u32, now: u64) -> Result<(), Exceeded> {
        let mut by_key = self.by_key();
        if by_key.len() >= KEYS_MAX && !by_key.contains_key(&key) {
            by_key.retain(|_, bucket| bucket.full_at > now);
            if by_key.len() >= KEYS_MAX {
                return Ok(());
            }
        }
        let bucket = by_key.entry(key).or_default();
        let cost = self.quota.interval().saturating_mul(u64::from(weight));
        let full_at = bucket.full_at.max(now).saturating_add(cost);
        let over = (full_at - now).saturating_sub(self.quota.whole());
        if over > 0 {
            return Err(Exceeded { quota: self.quota, retry_after: Duration::from_micros(over) });
        }
        bucket.full_at = full_at;
        bucket.unshared = bucket.unshared.saturating_add(weight);
        Ok(())
    }

    /// Keys and tokens taken that other nodes do not know of yet. Full buckets are dropped.
    fn unshared(&self, most: usize) -> Vec<(u128, u32)> {
        let now = self.now();
        let from = self.quota.whole() / SHARED_FROM;
        let mut by_key = self.by_key();
        by_key.retain(|_, bucket| bucket.full_at > now);
        let used = by_key.iter_mut().filter(|(_, bucket)| bucket.full_at - now >= from);
        used.filter(|(_, bucket)| bucket.unshared > 0)
            .take(most)
            .map(|(key, bucket)| (*key, std::mem::take(&mut bucket.unshared)))
            .collect()
    }

    /// Applies the total of all nodes: microseconds until the bucket is full again.
    fn learn(&self, key: u128, together: u64) {
        let now = self.now();
        let mut by_key = self.by_key();
        let bucket = by_key.entry(key).or_default();
        let since = self.quota.interval().saturating_mul(u64::from(bucket.unshared));
        let full_at = now.saturating_add(together).saturating_add(since);
        bucket.full_at = bucket.full_at.max(full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { name: "session", burst: 10, per_s: 2 };

    /// LIM-9: each key has a bucket of its own, which allows its burst and then its rate.
    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let buckets = Buckets::new(QUOTA);
        assert_eq!(QUOTA.window_s(), 5);
        for _ in 0..2 {
            assert_eq!(buckets.take_at(1, 4, 0), Ok(()));
        }
        let exceeded = buckets.take_at(1, 4, 0).unwrap_err();
        assert_eq!(exceeded.retry_after, Duration::from_secs(1), "two tokens are missing");
        assert_eq!(buckets.take_at(1, 2, 0), Ok(()), "a lighter request fits");
        assert_eq!(buckets.take_at(2, 10, 0), Ok(()), "somebody else's bucket is full");
        assert!(buckets.take_at(1, 1, 499_999).is_err());
        assert_eq!(buckets.take_at(1, 1, 500_000), Ok(()));
    }

    /// LIM-9: tokens taken on other nodes count here too, and nothing is counted twice.
    #[test]
    fn what_others_took_is_learned() {
        let buckets = Buckets::new(Quota { name: "session", burst: 1_000, per_s: 1 });
        buckets.take(1, 600).unwrap();
        buckets.take(2, 1).unwrap();
        assert_eq!(buckets.unshared(10), vec![(1, 600)], "a little used bucket concerns nobody");
        assert_eq!(buckets.unshared(10), Vec::new());
        buckets.learn(1, 900 * MICROS);
        assert!(buckets.take(1, 150).is_err());
        assert!(buckets.take(1, 50).is_ok());
    }
}
