//! A branch's calendar as a client sees it: the free slots of a day, or a guessed start when none
//! is listed.

use crate::people::client::Client;
use crate::people::client::wanted::Visit;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use client::{ApiError, Request, Slot, Slots};

/// Baku's offset from UTC; there is no daylight saving.
const BAKU_AHEAD: TimeDelta = TimeDelta::hours(4);
/// The usual grid of slot starts, seconds.
const GRID_SECS: i64 = 900;
/// Slots considered by a client who wants to come soon.
const SOON_MAX: usize = 8;
/// How far ahead a guessed start is, minutes.
const GUESS_MIN: (u64, u64) = (35, 110);
/// Bookings of a hundred for soon; up to `TODAY_PERCENT` are for later today, the others for
/// tomorrow.
const SOON_PERCENT: u64 = 78;
const TODAY_PERCENT: u64 = 96;

/// The date in Baku at an instant.
pub fn baku_date(at: DateTime<Utc>) -> NaiveDate {
    (at + BAKU_AHEAD).date_naive()
}

/// The first start on the grid at or after an instant.
pub(crate) fn on_the_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let over = at.timestamp().rem_euclid(GRID_SECS);
    let whole = at.timestamp() - over;
    let whole =
        if over == 0 && at.timestamp_subsec_nanos() == 0 { whole } else { whole + GRID_SECS };
    DateTime::from_timestamp(whole, 0).unwrap_or(at)
}

/// A start some quarters of an hour after another, for callers without a calendar.
pub(crate) fn quarters_after(start: DateTime<Utc>, quarters: u64) -> DateTime<Utc> {
    let quarters = i64::try_from(quarters).unwrap_or(1);
    on_the_grid(start + TimeDelta::minutes(15 * quarters))
}

impl Client {
    /// A start for this client: mostly soon, sometimes later today, rarely tomorrow; `None` when
    /// the day has no slot left.
    pub(crate) async fn likes(&mut self, visit: &Visit<'_>) -> Option<DateTime<Utc>> {
        let now = self.shared.clock_sync.now()?;
        let when = self.dice.between(1, 100);
        let date = baku_date(now);
        let date = if when > TODAY_PERCENT { date.checked_add_days(Days::new(1))? } else { date };
        match self.free(visit, date).await {
            Ok(free) => {
                let starts: Vec<DateTime<Utc>> = free.iter().map(|slot| slot.starts_at).collect();
                let soon = starts.get(..SOON_MAX.min(starts.len())).unwrap_or_default();
                let liked = if when <= SOON_PERCENT {
                    self.dice.pick_early(soon)
                } else {
                    self.dice.pick(&starts)
                };
                liked.copied()
            }
            Err(ApiError::Stopped) => None,
            Err(_nothing_to_see) => {
                let ahead = self.dice.between(GUESS_MIN.0, GUESS_MIN.1);
                let ahead = TimeDelta::minutes(i64::try_from(ahead).unwrap_or(60));
                Some(on_the_grid(now + ahead))
            }
        }
    }

    async fn free(&self, visit: &Visit<'_>, date: NaiveDate) -> Result<Vec<Slot>, ApiError> {
        let Visit { branch, services, class } = visit;
        let services = services.join(",");
        let path = format!("/v1/client/partners/{branch}/slots");
        let query = format!("{path}?date={date}&services={services}&class={class}");
        let day: Slots = self.me.read(&Request::get(query)).await?;
        Ok(day.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::{baku_date, on_the_grid};
    use chrono::DateTime;

    #[test]
    fn a_guess_lies_on_the_grid_and_midnight_is_bakus() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        assert_eq!(on_the_grid(at("2026-11-20T08:00:00Z")), at("2026-11-20T08:00:00Z"));
        assert_eq!(on_the_grid(at("2026-11-20T08:00:01Z")), at("2026-11-20T08:15:00Z"));
        assert_eq!(on_the_grid(at("2026-11-20T23:59:00Z")), at("2026-11-21T00:00:00Z"));
        assert_eq!(baku_date(at("2026-11-20T19:59:59Z")).to_string(), "2026-11-20");
        assert_eq!(baku_date(at("2026-11-20T20:00:00Z")).to_string(), "2026-11-21");
    }
}
