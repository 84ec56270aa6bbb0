//! The engine's metrics as read from `/metrics`: sockets, timers, and timer lateness.

use client::{Node, Request};

/// A histogram in the Prometheus text format: upper bounds in seconds and cumulative counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CumulativeHistogram(Vec<(String, u64)>);

impl CumulativeHistogram {
    fn add(&mut self, bound: &str, count: u64) {
        match self.0.iter_mut().find(|(known, _)| known == bound) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((bound.to_owned(), count)),
        }
    }

    /// The number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| *count).max().unwrap_or(0)
    }

    /// The bound within which so many in a thousand stayed, in milliseconds; `-` if there are none.
    #[must_use]
    pub fn at(&self, per_mille: u64) -> String {
        let wanted = self.count().saturating_mul(per_mille).div_ceil(1000).max(1);
        let reached = self.0.iter().find(|(_, count)| *count >= wanted);
        reached.map_or_else(|| "-".to_owned(), |(bound, _)| millis(bound))
    }
}

/// The metrics that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Open sockets.
    pub sockets: u64,
    /// Timers in memory: those of the near future.
    pub timers_near: u64,
    /// Timers parked after too many failed attempts.
    pub timers_parked: u64,
    /// The lateness of timers, real seconds.
    pub lateness: CumulativeHistogram,
}

impl Gauges {
    /// Reads them over HTTP, as a scraper would; `None` if the engine does not answer.
    pub async fn read(node: &Node) -> Option<Self> {
        let response = node.send(&Request::get("/metrics"), None).await.ok()?;
        response.is_success().then(|| Self::parse(&response.text()))
    }

    fn parse(text: &str) -> Self {
        let mut gauges = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            // Prometheus gauges are floating-point numbers; these are whole.
            let value = value.split('.').next().unwrap_or_default().parse().unwrap_or(0);
            match name.split('{').next().unwrap_or_default() {
                "yumo_sockets" => gauges.sockets += value,
                "yumo_timers_near" => gauges.timers_near += value,
                "yumo_timers_parked" => gauges.timers_parked += value,
                "yumo_timer_lateness_seconds_bucket" => {
                    let bound = name.split_once("le=\"").and_then(|(_, rest)| rest.split_once('"'));
                    if let Some((bound, _)) = bound {
                        gauges.lateness.add(bound, value);
                    }
                }
                _other => {}
            }
        }
        gauges
    }
}

/// Converts seconds as Prometheus writes them, `0.005`, to milliseconds, `5`.
fn millis(secs: &str) -> String {
    let (whole, part) = secs.split_once('.').unwrap_or((secs, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    match format!("{whole}{part}").parse::<u64>() {
        Ok(millis) => millis.to_string(),
        Err(_beyond) => "∞".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Gauges, millis};

    #[test]
    fn the_engine_is_read_as_it_writes() {
        let text = "# TYPE yumo_sockets gauge\nyumo_sockets 12\n\nyumo_timers_near 7.0\n\
            yumo_timer_lateness_seconds_bucket{le=\"0.002\"} 90\n\
            yumo_timer_lateness_seconds_bucket{le=\"0.25\"} 99\n\
            yumo_timer_lateness_seconds_bucket{le=\"+Inf\"} 100\n\
            yumo_timer_lateness_seconds_sum 0.4\n";
        let gauges = Gauges::parse(text);
        assert_eq!((gauges.sockets, gauges.timers_near, gauges.timers_parked), (12, 7, 0));
        let lateness = gauges.lateness;
        assert_eq!(lateness.count(), 100);
        assert_eq!((lateness.at(500), lateness.at(990)), ("2".to_owned(), "250".to_owned()));
        assert_eq!(lateness.at(1000), "∞");
    }

    #[test]
    fn seconds_become_milliseconds() {
        assert_eq!(
            ["0.001", "0.25", "1", "2.5", "60"].map(millis),
            ["1", "250", "1000", "2500", "60000"]
        );
    }
}
