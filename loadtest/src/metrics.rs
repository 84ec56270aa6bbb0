//! The server's own measurements, read from `/metrics`.

use client::{Node, Request};

/// The lateness of timers.
pub const LATENESS: &str = "yumo_timer_lateness_seconds";
/// The duration of searches for free slots.
pub const SLOTS: &str = "yumo_slots_seconds";

/// A cumulative histogram in Prometheus text format: upper bounds, ascending, and counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets {
    buckets: Vec<(String, u64)>,
}

impl Buckets {
    /// Reads one from every node and sums them.
    pub async fn read(base_urls: &[String], name: &str) -> Self {
        let mut sum = Self::default();
        for base in base_urls {
            let Ok(node) = Node::at(base) else { continue };
            if let Ok(response) = node.send(&Request::get("/metrics"), None).await {
                sum.add(&Self::parse(&response.text(), name));
            }
        }
        sum
    }

    fn parse(text: &str, name: &str) -> Self {
        let mut sum = Self::default();
        for line in text.lines() {
            let named = line.strip_prefix(name);
            let Some(rest) = named.and_then(|rest| rest.strip_prefix("_bucket{")) else {
                continue;
            };
            let bound = rest.split_once("le=\"").and_then(|(_, rest)| rest.split_once('"'));
            let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse().ok());
            if let (Some((bound, _)), Some(count)) = (bound, count) {
                sum.add(&Self { buckets: vec![(bound.to_owned(), count)] });
            }
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        for (bound, count) in &other.buckets {
            match self.buckets.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum += count,
                None => self.buckets.push((bound.clone(), *count)),
            }
        }
    }

    /// The observations since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: &str| {
            earlier.buckets.iter().find(|(known, _)| known == bound).map_or(0, |(_, count)| *count)
        };
        let new =
            |(bound, count): &(String, u64)| (bound.clone(), count.saturating_sub(before(bound)));
        Self { buckets: self.buckets.iter().map(new).collect() }
    }

    /// The number of observations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| *count).max().unwrap_or(0)
    }

    /// The upper bound, in seconds, of a quantile given in thousandths.
    pub fn at(&self, per_mille: u64) -> &str {
        let wanted = (self.count() * per_mille).div_ceil(1000).max(1);
        let reached = self.buckets.iter().find(|(_, count)| *count >= wanted);
        reached.map_or("-", |(bound, _)| bound)
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, LATENESS};

    #[test]
    fn a_histogram_is_read_by_its_bounds() {
        let text = "# TYPE yumo_timer_lateness_seconds histogram\n\
            yumo_timer_lateness_seconds_bucket{kind=\"offer\",le=\"0.01\"} 6\n\
            yumo_timer_lateness_seconds_bucket{kind=\"offer\",le=\"0.1\"} 9\n\
            yumo_timer_lateness_seconds_bucket{kind=\"offer\",le=\"+Inf\"} 10\n\
            yumo_timer_lateness_seconds_sum{kind=\"offer\"} 0.3\n\
            yumo_timer_lateness_seconds_bucket{kind=\"late\",le=\"0.01\"} 4\n\
            yumo_timer_lateness_seconds_bucket{kind=\"late\",le=\"0.1\"} 4\n\
            yumo_timer_lateness_seconds_bucket{kind=\"late\",le=\"+Inf\"} 4\n";
        let lateness = Buckets::parse(text, LATENESS);
        assert_eq!(lateness.count(), 14);
        assert_eq!(lateness.at(500), "0.01");
        assert_eq!(lateness.at(900), "0.1");
        assert_eq!(lateness.at(999), "+Inf");
        assert_eq!(lateness.since(&lateness).count(), 0);
    }
}
