//! Limits on placing by one client: pure (LIM-1).

use chrono::TimeDelta;
use entity::value::Instant;

use crate::orders::Refusal;
use crate::policy::keys::ClientKeys;
use platform::Refused;

/// The window in which placings are counted.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// The placing limits of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacingLimits {
    /// Maximum open orders.
    pub open: usize,
    /// Maximum unanswered requests.
    pub pending: usize,
    /// Maximum unanswered requests at one branch.
    pub pair: usize,
    /// Maximum placings within an hour.
    pub placings: usize,
    /// Maximum withdrawn requests …
    pub withdrawn: usize,
    /// … within so long …
    pub window: TimeDelta,
    /// … before placing is suspended for this long.
    pub rest: TimeDelta,
}

/// The counts of one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCounts {
    /// Open orders.
    pub open: usize,
    /// Unanswered requests, and the earliest end of one.
    pub pending: (usize, Option<Instant>),
    /// Unanswered requests at this branch, and the earliest end of one.
    pub pair: (usize, Option<Instant>),
    /// When the client placed the order [`Limits::placings`] back, if any.
    pub nth_placed: Option<Instant>,
    /// When the client last withdrew a request …
    pub last_withdrawn: Option<Instant>,
    /// … and when the one [`Limits::withdrawn`] back.
    pub nth_withdrawn: Option<Instant>,
}

impl PlacingLimits {
    /// The limits of the policy.
    #[must_use]
    pub fn of(keys: &ClientKeys) -> Self {
        Self {
            open: keys.open_orders_max,
            pending: keys.pending_max,
            pair: keys.pair_open_max,
            placings: keys.placings_per_h,
            withdrawn: keys.withdrawn_max,
            window: TimeDelta::hours(keys.withdrawn_window_h),
            rest: TimeDelta::minutes(keys.withdrawn_rest_min),
        }
    }

    /// The limits multiplied for a trusted client.
    #[must_use]
    pub fn times(self, factor: usize) -> Self {
        let more = |limit: usize| limit.saturating_mul(factor);
        Self {
            open: more(self.open),
            pending: more(self.pending),
            pair: more(self.pair),
            placings: more(self.placings),
            withdrawn: more(self.withdrawn),
            ..self
        }
    }

    /// The limit that one more placing would exceed, and when it ends, if it ends by time.
    ///
    /// # Source
    /// LIM-1.
    #[must_use]
    pub fn passed(&self, tally: &ClientCounts, now: Instant) -> Option<Refused> {
        let rests = match (tally.last_withdrawn, tally.nth_withdrawn) {
            (Some(last), Some(nth)) if last - nth <= self.window => Some(last + self.rest),
            _ => None,
        };
        if let Some(until) = rests.filter(|until| now < *until) {
            return Some(ends(Refusal::TooManyWithdrawn, self.withdrawn, Some(until), now));
        }
        let hour = tally.nth_placed.map(|at| at + HOUR);
        if let Some(until) = hour.filter(|until| now < *until) {
            return Some(ends(Refusal::TooManyPlacings, self.placings, Some(until), now));
        }
        if tally.pair.0 >= self.pair {
            return Some(ends(Refusal::PendingHere, self.pair, tally.pair.1, now));
        }
        if tally.pending.0 >= self.pending {
            return Some(ends(Refusal::TooManyPending, self.pending, tally.pending.1, now));
        }
        (tally.open >= self.open).then(|| ends(Refusal::TooManyOpen, self.open, None, now))
    }
}

/// The refusal with its limit, and when it ends.
fn ends(refusal: Refusal, limit: usize, until: Option<Instant>, now: Instant) -> Refused {
    let refused = refusal.refused().with("limit", limit);
    let Some(until) = until else { return refused };
    let secs = (until - now).num_seconds().saturating_add(1).max(1);
    refused.with("until", until).with("retry_after_s", secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PlacingLimits = PlacingLimits {
        open: 3,
        pending: 2,
        pair: 1,
        placings: 10,
        withdrawn: 5,
        window: TimeDelta::hours(24),
        rest: TimeDelta::hours(1),
    };

    fn at(minutes: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn code(limits: PlacingLimits, tally: ClientCounts, now: i64) -> Option<&'static str> {
        limits.passed(&tally, at(now)).map(|refused| refused.code)
    }

    /// LIM-1: the fourth open order, the third unanswered one and the second at one branch are
    /// refused; with trust the seventh, the fifth and the third.
    #[test]
    fn lim_1_open_orders_and_unanswered_requests() {
        let open = |n| ClientCounts { open: n, ..ClientCounts::default() };
        assert_eq!(code(LIMITS, open(2), 0), None);
        assert_eq!(code(LIMITS, open(3), 0), Some("too_many_open_orders"));
        let pending =
            |n| ClientCounts { open: n, pending: (n, Some(at(5))), ..ClientCounts::default() };
        assert_eq!(code(LIMITS, pending(1), 0), None);
        assert_eq!(code(LIMITS, pending(2), 0), Some("too_many_requests_pending"));
        let pair = |n| ClientCounts {
            open: n,
            pending: (n, None),
            pair: (n, None),
            ..ClientCounts::default()
        };
        assert_eq!(code(LIMITS, pair(1), 0), Some("request_pending_here"));
        let trusted = LIMITS.times(2);
        assert_eq!(code(trusted, pair(1), 0), None);
        assert_eq!(code(trusted, pair(2), 0), Some("request_pending_here"));
        assert_eq!(code(trusted, pending(3), 0), None);
        assert_eq!(code(trusted, pending(4), 0), Some("too_many_requests_pending"));
        assert_eq!(code(trusted, open(5), 0), None);
        assert_eq!(code(trusted, open(6), 0), Some("too_many_open_orders"));
    }

    /// LIM-1: the eleventh placing waits until the first of the ten is an hour old; after the fifth
    /// withdrawal within 24 h placing rests for an hour, and it says until when.
    #[test]
    fn lim_1_placings_of_an_hour_and_withdrawals_of_a_day() {
        let placed = ClientCounts { nth_placed: Some(at(0)), ..ClientCounts::default() };
        assert_eq!(code(LIMITS, placed, 59), Some("too_many_placings"));
        assert_eq!(code(LIMITS, placed, 60), None);
        let withdrew = |nth, last| ClientCounts {
            nth_withdrawn: Some(at(nth)),
            last_withdrawn: Some(at(last)),
            ..ClientCounts::default()
        };
        assert_eq!(code(LIMITS, withdrew(0, 1440), 1499), Some("too_many_withdrawn"));
        assert_eq!(code(LIMITS, withdrew(0, 1440), 1500), None);
        assert_eq!(code(LIMITS, withdrew(0, 1441), 1442), None, "not within 24 h");
        let refused = LIMITS.passed(&withdrew(0, 10), at(11)).unwrap();
        assert_eq!(refused.with["until"], serde_json::json!(at(70)));
        assert_eq!(refused.with["limit"], 5);
        assert_eq!(refused.with["retry_after_s"], 59 * 60 + 1);
    }
}
