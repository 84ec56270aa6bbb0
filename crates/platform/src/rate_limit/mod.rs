//! Rate limits: token buckets by key, kept in memory and shared between nodes (LIM-9).
//!
//! A bucket holds `burst` tokens and gains one in each `interval`; a request takes its weight. The
//! decision is made in memory, so no request waits for another process. Where several nodes serve,
//! [`shared`] adds up in Redis what all of them took; without Redis each node goes on by itself.

pub mod shared;
pub mod socket_count;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most buckets in memory; beyond that the fullest are dropped, and if none is full, new keys are
/// not limited.
const KEYS_MAX: usize = 200_000;
/// Other nodes are told of a bucket once this part of it is used, or was taken since they heard.
const SHARED_FROM: u64 = 8;
const MICROS: u64 = 1_000_000;

/// The size and rate of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name in answers.
    pub name: &'static str,
    /// Tokens of a full bucket.
    pub burst: u32,
    /// Microseconds in which one token is gained.
    interval_us: u64,
}

impl Quota {
    /// So many at once, and then so many each second, a million at most.
    #[must_use]
    pub fn per_second(name: &'static str, burst: u32, per_s: u32) -> Self {
        Self { name, burst, interval_us: MICROS / u64::from(per_s.max(1)) }
    }

    /// So many in a minute: they may come at once.
    #[must_use]
    pub fn per_minute(name: &'static str, per_min: u32) -> Self {
        Self { name, burst: per_min.max(1), interval_us: 60 * MICROS / u64::from(per_min.max(1)) }
    }

    fn interval(&self) -> u64 {
        self.interval_us.max(1)
    }

    fn cost(&self, weight: u32) -> u64 {
        self.interval().saturating_mul(u64::from(weight))
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

/// What was taken out of a bucket since other nodes were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    key: u128,
    weight: u32,
    /// Microseconds until the bucket here is full again.
    left: u64,
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
        let full_at = bucket.full_at.max(now).saturating_add(self.quota.cost(weight));
        let over = (full_at - now).saturating_sub(self.quota.whole());
        if over > 0 {
            return Err(Exceeded { quota: self.quota, retry_after: Duration::from_micros(over) });
        }
        bucket.full_at = full_at;
        bucket.unshared = bucket.unshared.saturating_add(weight);
        Ok(())
    }

    /// What other nodes should know of. Somebody who takes a little everywhere leaves each bucket
    /// nearly full, so what was taken is kept for a while after the bucket is full again.
    fn unshared(&self, now: u64) -> Vec<Taken> {
        let (whole, from) = (self.quota.whole(), self.quota.whole() / SHARED_FROM);
        let mut by_key = self.by_key();
        by_key.retain(|_, bucket| bucket.full_at.saturating_add(whole) > now);
        let mut taken = Vec::new();
        for (key, bucket) in by_key.iter_mut().filter(|(_, bucket)| bucket.unshared > 0) {
            let left = bucket.full_at.saturating_sub(now);
            if left >= from || self.quota.cost(bucket.unshared) >= from {
                let weight = std::mem::take(&mut bucket.unshared);
                taken.push(Taken { key: *key, weight, left });
            }
        }
        taken
    }

    /// Other nodes could not be told: they are told later. What the bucket has gained again since
    /// is of no concern then, so a long absence of Redis empties nobody's bucket.
    fn not_shared(&self, taken: &[Taken], now: u64) {
        let mut by_key = self.by_key();
        for Taken { key, weight, .. } in taken {
            let Some(bucket) = by_key.get_mut(key) else { continue };
            let left = bucket.full_at.saturating_sub(now) / self.quota.interval();
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            bucket.unshared = bucket.unshared.saturating_add(*weight).min(left);
        }
    }

    /// Takes over what all nodes took together: microseconds that the bucket needed, when they were
    /// asked, until it was full again.
    fn learn(&self, key: u128, together: u64, asked: u64) {
        let mut by_key = self.by_key();
        let bucket = by_key.entry(key).or_default();
        let since = self.quota.cost(bucket.unshared);
        let full_at = asked.saturating_add(together).saturating_add(since);
        bucket.full_at = bucket.full_at.max(full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: u128, weight: u32, left: u64) -> Taken {
        Taken { key, weight, left }
    }

    /// LIM-9: each key has a bucket of its own, which allows its burst and then its rate.
    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let quota = Quota::per_second("session", 10, 2);
        let buckets = Buckets::new(quota);
        assert_eq!(quota.window_s(), 5);
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

    /// LIM-8: six in a minute come at once, the seventh after ten seconds.
    #[test]
    fn lim_8_a_minutes_acts_and_then_one_at_a_time() {
        let buckets = Buckets::new(Quota::per_minute("resumes", 6));
        for _ in 0..6 {
            buckets.take_at(1, 1, 0).unwrap();
        }
        let exceeded = buckets.take_at(1, 1, 0).unwrap_err();
        assert_eq!(exceeded.retry_after, Duration::from_secs(10));
        assert!(buckets.take_at(1, 1, 9 * MICROS).is_err());
        assert!(buckets.take_at(1, 1, 10 * MICROS).is_ok());
    }

    /// LIM-9: what other nodes gave counts here too, and nothing is counted twice.
    #[test]
    fn what_others_took_is_learned() {
        let buckets = Buckets::new(Quota::per_second("session", 1_000, 1));
        buckets.take_at(1, 600, 0).unwrap();
        buckets.take_at(2, 1, 0).unwrap();
        let used = vec![taken(1, 600, 600 * MICROS)];
        assert_eq!(buckets.unshared(0), used, "a little used bucket concerns nobody");
        assert_eq!(buckets.unshared(0), Vec::new());
        buckets.learn(1, 900 * MICROS, 0);
        assert!(buckets.take_at(1, 150, 0).is_err());
        assert!(buckets.take_at(1, 50, 0).is_ok());
    }

    /// LIM-9: somebody who takes just what a bucket gains is told of to others, although the bucket
    /// here stays full.
    #[test]
    fn a_little_from_each_node_adds_up() {
        let quota = Quota::per_second("session", 80, 20);
        let buckets = Buckets::new(quota);
        let mut told = 0;
        for round in 1..=40 {
            let now = round * 200_000;
            buckets.take_at(1, 4, now).unwrap();
            told += buckets.unshared(now).iter().map(|taken| taken.weight).sum::<u32>();
        }
        assert!(told >= 150, "{told} of 160 were told");
    }

    /// LIM-9: what could not be told is told when Redis is back, as far as it still matters.
    #[test]
    fn what_was_not_told_is_told_later() {
        let buckets = Buckets::new(Quota::per_second("session", 100, 1));
        buckets.take_at(1, 60, 0).unwrap();
        let first = buckets.unshared(0);
        buckets.not_shared(&first, 20 * MICROS);
        assert_eq!(buckets.unshared(20 * MICROS), vec![taken(1, 40, 40 * MICROS)]);
        buckets.not_shared(&[taken(1, 40, 0)], 70 * MICROS);
        assert_eq!(buckets.unshared(70 * MICROS), Vec::new(), "the bucket is full again");
    }
}
