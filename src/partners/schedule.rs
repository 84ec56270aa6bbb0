//! When a branch is open, in its own time: pure (BK-12).

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

/// Minutes of a day.
pub const DAY_MIN: i16 = 1440;

/// Open from, until: minutes after the local midnight of a weekday; past 1440 runs into the next
/// day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// 1 Monday … 7 Sunday.
    pub weekday: i16,
    /// Minutes after midnight.
    pub opens_min: i16,
    /// Minutes after the same midnight, exclusive.
    pub closes_min: i16,
}

/// Do the weekly hours make sense: within their days, no span into another of its weekday?
#[must_use]
pub fn sensible(hours: &[Hours]) -> bool {
    let alone = |h: &Hours| {
        (1..=7).contains(&h.weekday)
            && (0..DAY_MIN).contains(&h.opens_min)
            && h.closes_min > h.opens_min
            && h.closes_min - h.opens_min <= DAY_MIN
    };
    let meet = |a: &Hours, b: &Hours| {
        a.weekday == b.weekday && a.opens_min < b.closes_min && b.opens_min < a.closes_min
    };
    hours.iter().all(alone)
        && hours.iter().enumerate().all(|(i, a)| hours.iter().skip(i + 1).all(|b| !meet(a, b)))
}

/// Is the branch open at this instant?
#[must_use]
pub fn open_at(hours: &[Hours], zone: Tz, at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&zone);
    let minute = i16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
    let today = weekday(&local);
    let yesterday = weekday(&(local - TimeDelta::days(1)));
    hours.iter().any(|h| {
        let now = h.weekday == today && (h.opens_min..h.closes_min).contains(&minute);
        let late = h.weekday == yesterday
            && (h.opens_min..h.closes_min).contains(&(minute.saturating_add(DAY_MIN)));
        now || late
    })
}

fn weekday(at: &DateTime<Tz>) -> i16 {
    i16::try_from(at.weekday().number_from_monday()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    fn span(weekday: i16, opens_min: i16, closes_min: i16) -> Hours {
        Hours { weekday, opens_min, closes_min }
    }

    #[test]
    fn hours_are_local_and_may_pass_midnight() {
        let baku = chrono_tz::Asia::Baku;
        // Friday 20:00 to Saturday 02:00, Baku (UTC+4).
        let hours = [span(5, 1200, 1560)];
        let at = |day, hour| Utc.with_ymd_and_hms(2026, 11, day, hour, 0, 0).unwrap();
        assert!(open_at(&hours, baku, at(20, 16)), "Friday 20:00 local");
        assert!(open_at(&hours, baku, at(20, 21)), "Saturday 01:00 local");
        assert!(!open_at(&hours, baku, at(20, 22)), "Saturday 02:00 local is closed");
        assert!(!open_at(&hours, baku, at(20, 15)), "Friday 19:00 local");
    }

    #[test]
    fn spans_that_meet_make_no_sense() {
        assert!(sensible(&[span(1, 540, 780), span(1, 780, 1200), span(2, 1200, 1560)]));
        assert!(!sensible(&[span(1, 540, 781), span(1, 780, 1200)]));
        assert!(!sensible(&[span(8, 540, 600)]));
        assert!(!sensible(&[span(1, 600, 600)]));
        assert!(!sensible(&[span(1, 600, 600 + 1441)]));
    }
}
