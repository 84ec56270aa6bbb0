//! When a branch is open, in its own time: pure (BK-1, BK-12).
//!
//! Clock changes make local times skip or repeat. Hours that name a skipped time mean the first
//! instant after the gap; of a repeated time the branch opens at the earlier and closes at the
//! later, so that by local time it is never closed within its hours.

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono::{MappedLocalTime, Timelike as _, Utc};
use chrono_tz::{GapInfo, Tz};
use entity::value::{Instant, Span};

/// Minutes of a day.
pub const DAY_MIN: i16 = 1440;
/// How many days after its midnight a span may reach.
const REACH_DAYS: Days = Days::new(2);

/// Weekly opening hours: minutes after the local midnight of a weekday; past 1440 runs into the
/// next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// 1 Monday … 7 Sunday.
    pub weekday: i16,
    /// Minutes after midnight.
    pub opens_min: i16,
    /// Minutes after the same midnight, exclusive.
    pub closes_min: i16,
}

/// One span of a special day; past 1440 it runs into the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Minutes after local midnight.
    pub opens_min: i16,
    /// Minutes after the same midnight, exclusive.
    pub closes_min: i16,
}

/// A date with hours of its own; closed if it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialDay {
    /// The local date.
    pub date: NaiveDate,
    /// Its hours, in place of the weekly ones.
    pub spans: Vec<Opening>,
}

impl From<Hours> for Opening {
    fn from(hours: Hours) -> Self {
        Self { opens_min: hours.opens_min, closes_min: hours.closes_min }
    }
}

/// Are the weekly hours valid: within their days, no span overlapping another, of its weekday or of
/// the next?
#[must_use]
pub fn sensible(hours: &[Hours]) -> bool {
    let fits = |h: Hours| (1..=7).contains(&h.weekday) && sound(h.into());
    let apart = |a: Hours, b: Hours| {
        let same_day = a.weekday == b.weekday && meet(a.into(), b.into());
        !same_day && !runs_into(a, b) && !runs_into(b, a)
    };
    hours.iter().copied().all(fits) && pairwise(hours, apart)
}

/// Are the hours of a special day valid: within their day, no span overlapping another?
#[must_use]
pub fn sensible_day(spans: &[Opening]) -> bool {
    spans.iter().copied().all(sound) && pairwise(spans, |a, b| !meet(a, b))
}

fn sound(span: Opening) -> bool {
    (0..DAY_MIN).contains(&span.opens_min)
        && span.closes_min > span.opens_min
        && span.closes_min - span.opens_min <= DAY_MIN
}

fn meet(a: Opening, b: Opening) -> bool {
    a.opens_min < b.closes_min && b.opens_min < a.closes_min
}

/// Is the first still open when the second, of the next weekday, opens?
fn runs_into(a: Hours, b: Hours) -> bool {
    b.weekday == a.weekday % 7 + 1 && a.closes_min - DAY_MIN > b.opens_min
}

fn pairwise<T: Copy>(all: &[T], holds: impl Fn(T, T) -> bool) -> bool {
    all.iter().enumerate().all(|(i, a)| all.iter().skip(i + 1).all(|b| holds(*a, *b)))
}

/// The opening hours of a branch: its zone, its week and its special days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The IANA zone the hours are read in.
    pub zone: Tz,
    /// The hours of every week.
    pub weekly: Vec<Hours>,
    /// Dates with other hours, each at most once.
    pub special: Vec<SpecialDay>,
}

impl Calendar {
    /// The open spans within a span: sorted, disjoint, clipped to it.
    ///
    /// Spans that touch are one. A special day replaces the weekly spans that open on its date;
    /// what opened the day before still runs into it.
    #[must_use]
    pub fn open(&self, within: Span) -> Vec<Span> {
        let cut =
            |s: Span| Span { from: s.from.max(within.from), until: s.until.min(within.until) };
        let spans = self.around(within.from, within.until).map(cut);
        let mut spans: Vec<Span> = spans.filter(|s| s.from < s.until).collect();
        spans.sort_unstable_by_key(|s| s.from);
        let mut open: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match open.last_mut() {
                Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
                Some(_) | None => open.push(span),
            }
        }
        open
    }

    /// Is the branch open at this instant?
    #[must_use]
    pub fn open_at(&self, at: Instant) -> bool {
        self.around(at, at).any(|span| span.holds(at))
    }

    /// A local date, from its first instant to the first of the next: 23, 24 or 25 hours, and empty
    /// where the zone skipped the date.
    ///
    /// Where a clock change repeats minutes across midnight, they belong to the earlier date
    /// ([`Calendar::date_of`]) but lie within the span of the later.
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> Span {
        Span {
            from: self.shown(wall(date, 0)).earlier,
            until: self.shown(wall(date, DAY_MIN)).earlier,
        }
    }

    /// The local date of an instant.
    #[must_use]
    pub fn date_of(&self, at: Instant) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The instants of a local date at which a visit can start: local time is a multiple of the
    /// grid after midnight (BK-12). Sorted; skipped times are absent, repeated times occur twice; a
    /// grid of zero minutes has none.
    #[must_use]
    pub fn starts(&self, date: NaiveDate, grid_min: i64) -> Vec<Instant> {
        let Some(step) = usize::try_from(grid_min).ok().filter(|step| *step > 0) else {
            return Vec::new();
        };
        let labels = (0..DAY_MIN).step_by(step).map(|minute| wall(date, minute));
        let mut starts: Vec<Instant> = labels
            .flat_map(|label| {
                let shown = self.zone.from_local_datetime(&label);
                let first = shown.earliest();
                first.into_iter().chain(shown.latest().filter(|again| Some(*again) != first))
            })
            .map(|at| at.to_utc())
            .collect();
        starts.sort_unstable();
        starts
    }

    /// Is this instant one of the [`Calendar::starts`] of its date?
    #[must_use]
    pub fn on_grid(&self, at: Instant, grid_min: i64) -> bool {
        let local = at.with_timezone(&self.zone);
        let secs = i64::from(local.num_seconds_from_midnight());
        grid_min > 0 && local.nanosecond() == 0 && secs % 60 == 0 && (secs / 60) % grid_min == 0
    }

    /// Every span that can touch the time between these two instants, unclipped.
    fn around(&self, from: Instant, until: Instant) -> impl Iterator<Item = Span> {
        let first = self.date_of(from).checked_sub_days(REACH_DAYS).unwrap_or(NaiveDate::MIN);
        // One more: where clocks go back over midnight, the next date has begun once already.
        let last = self.date_of(until).succ_opt().unwrap_or(NaiveDate::MAX);
        let dates = first.iter_days().take_while(move |date| *date <= last);
        dates.flat_map(move |date| self.opens_on(date))
    }

    /// The spans that open on a local date, unclipped: each may run into the next day.
    pub fn opens_on(&self, date: NaiveDate) -> impl Iterator<Item = Span> {
        self.opening_on(date).map(move |opening| Span {
            from: self.shown(wall(date, opening.opens_min)).earlier,
            until: self.shown(wall(date, opening.closes_min)).later,
        })
    }

    fn opening_on(&self, date: NaiveDate) -> impl Iterator<Item = Opening> {
        let special = self.special.iter().find(|day| day.date == date);
        let weekday = i16::try_from(date.weekday().number_from_monday()).unwrap_or(0);
        let weekly = self.weekly.iter().filter(move |h| special.is_none() && h.weekday == weekday);
        let weekly = weekly.copied().map(Opening::from);
        special.into_iter().flat_map(|day| &day.spans).copied().chain(weekly)
    }

    fn shown(&self, wall: NaiveDateTime) -> Shown {
        match self.zone.from_local_datetime(&wall) {
            MappedLocalTime::Single(at) => Shown { earlier: at.to_utc(), later: at.to_utc() },
            MappedLocalTime::Ambiguous(a, b) => Shown { earlier: a.to_utc(), later: b.to_utc() },
            MappedLocalTime::None => {
                let after = GapInfo::new(&wall, &self.zone).and_then(|gap| gap.end);
                // Every gap of the time zone database ends.
                let after = after.map_or_else(|| Utc.from_utc_datetime(&wall), |at| at.to_utc());
                Shown { earlier: after, later: after }
            }
        }
    }
}

/// The instants of a local time: two, one, or – the first instant after it – one for a gap.
struct Shown {
    earlier: Instant,
    later: Instant,
}

fn wall(date: NaiveDate, minute: i16) -> NaiveDateTime {
    let midnight = date.and_time(NaiveTime::MIN);
    midnight.checked_add_signed(TimeDelta::minutes(minute.into())).unwrap_or(NaiveDateTime::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn span(weekday: i16, opens_min: i16, closes_min: i16) -> Hours {
        Hours { weekday, opens_min, closes_min }
    }

    #[test]
    fn spans_that_meet_make_no_sense() {
        assert!(sensible(&[span(1, 540, 780), span(1, 780, 1200), span(2, 1200, 1560)]));
        assert!(!sensible(&[span(1, 540, 781), span(1, 780, 1200)]));
        assert!(!sensible(&[span(8, 540, 600)]));
        assert!(!sensible(&[span(1, 600, 600)]));
        assert!(!sensible(&[span(1, 600, 600 + 1441)]));
    }

    #[test]
    fn a_night_ends_before_the_next_morning_begins() {
        assert!(sensible(&[span(7, 1200, 1560), span(1, 120, 600)]), "Sunday until Monday 02:00");
        assert!(!sensible(&[span(7, 1200, 1561), span(1, 120, 600)]));
        assert!(!sensible(&[span(1, 120, 600), span(7, 1200, 1561)]), "in any order");
        assert!(sensible(&[span(6, 1200, 1561), span(1, 120, 600)]), "Sunday lies between");
    }

    fn at(date: NaiveDate, hour: i64, minute: i64) -> Instant {
        let midnight = date.and_time(NaiveTime::MIN).and_utc();
        midnight + TimeDelta::minutes(hour * 60 + minute)
    }

    fn branch<const N: usize>(zone: Tz, weekly: [(i16, i16, i16); N]) -> Calendar {
        let hours = |(weekday, opens_min, closes_min)| Hours { weekday, opens_min, closes_min };
        Calendar { zone, weekly: weekly.into_iter().map(hours).collect(), special: Vec::new() }
    }

    /// Open on the date as its span says, and on the evening before and the morning after.
    fn open(branch: &Calendar, date: NaiveDate) -> Vec<(Instant, Instant)> {
        let day = branch.day(date);
        let within =
            Span { from: day.from - TimeDelta::days(1), until: day.until + TimeDelta::days(1) };
        branch.open(within).into_iter().map(|span| (span.from, span.until)).collect()
    }

    #[test]
    fn bk_12_clocks_go_forward_in_berlin() {
        let day = date(2026, 3, 29);
        let whole = branch(Tz::Europe__Berlin, [(7, 90, 210)]);
        assert_eq!(
            whole.day(day),
            Span { from: at(day, -1, 0), until: at(day, 22, 0) },
            "23 hours"
        );
        assert_eq!(open(&whole, day), [(at(day, 0, 30), at(day, 1, 30))], "two hours less one");
        // 01:00, 01:30, 03:00, 03:30: there is no 02:00 and no 02:30.
        let starts = whole.starts(day, 30);
        assert_eq!(starts.len(), 46);
        let night = [at(day, 0, 0), at(day, 0, 30), at(day, 1, 0), at(day, 1, 30)];
        assert_eq!(starts[2..6], night);

        let opens_in_gap = branch(Tz::Europe__Berlin, [(7, 150, 240)]);
        assert_eq!(open(&opens_in_gap, day), [(at(day, 1, 0), at(day, 2, 0))], "03:00 to 04:00");
        let closes_in_gap = branch(Tz::Europe__Berlin, [(7, 60, 150)]);
        assert_eq!(open(&closes_in_gap, day), [(at(day, 0, 0), at(day, 1, 0))], "01:00 to 03:00");
        let within_gap = branch(Tz::Europe__Berlin, [(7, 125, 170)]);
        assert_eq!(open(&within_gap, day), [], "this time there is not");
    }

    #[test]
    fn bk_12_clocks_go_back_in_berlin() {
        let day = date(2026, 10, 25);
        let whole = branch(Tz::Europe__Berlin, [(7, 120, 180)]);
        assert_eq!(
            whole.day(day),
            Span { from: at(day, -2, 0), until: at(day, 23, 0) },
            "25 hours"
        );
        assert_eq!(open(&whole, day), [(at(day, 0, 0), at(day, 2, 0))], "02:00 to 03:00, twice");
        // 01:30, then 02:00 and 02:30 twice, then 03:00.
        let starts = whole.starts(day, 30);
        assert_eq!(starts.len(), 50);
        assert_eq!(starts[3], at(day, -1, 30));
        assert_eq!(starts[4..9], [0, 30, 60, 90, 120].map(|minute| at(day, 0, minute)));

        let within = branch(Tz::Europe__Berlin, [(7, 150, 165)]);
        assert_eq!(
            open(&within, day),
            [(at(day, 0, 30), at(day, 1, 45))],
            "the first 02:30, the second 02:45"
        );
    }

    #[test]
    fn bk_12_midnight_is_skipped_in_havana() {
        let day = date(2026, 3, 8);
        let havana = branch(Tz::America__Havana, [(6, 1200, 1440), (7, 0, 120)]);
        assert_eq!(
            havana.day(day),
            Span { from: at(day, 5, 0), until: at(day, 28, 0) },
            "23 hours"
        );
        assert_eq!(havana.date_of(at(day, 5, 0)), day);
        assert_eq!(havana.starts(day, 60)[0], at(day, 5, 0), "the day begins with 01:00");
        assert_eq!(havana.starts(day, 60).len(), 23);
        assert_eq!(open(&havana, day), [(at(day, 1, 0), at(day, 6, 0))], "Saturday 20:00 to 02:00");
    }

    #[test]
    fn bk_12_midnight_comes_twice_in_havana() {
        let day = date(2026, 11, 1);
        let havana = branch(Tz::America__Havana, [(6, 1200, 1440)]);
        assert_eq!(
            havana.day(day),
            Span { from: at(day, 4, 0), until: at(day, 29, 0) },
            "25 hours"
        );
        assert_eq!(open(&havana, day), [(at(day, 0, 0), at(day, 5, 0))], "until the second 24:00");
    }

    #[test]
    fn bk_12_a_date_was_skipped_in_apia() {
        let day = date(2011, 12, 30);
        let apia = branch(Tz::Pacific__Apia, [(5, 540, 1080)]);
        assert_eq!(apia.day(day).from, apia.day(day).until);
        assert!(apia.starts(day, 15).is_empty());
        assert_eq!(open(&apia, day), [], "there was no such Friday");
    }

    #[test]
    fn bk_12_friday_night_runs_into_saturday() {
        let friday = date(2026, 11, 20);
        let night = (at(friday, 16, 0), at(friday, 22, 0));
        let two = branch(Tz::Asia__Baku, [(6, 0, 120), (5, 1200, 1440)]);
        assert_eq!(open(&two, friday), [night], "20:00–24:00 and 00:00–02:00 are one span");
        let one = branch(Tz::Asia__Baku, [(5, 1200, 1560)]);
        assert_eq!(open(&one, friday), [night]);
        let both = branch(Tz::Asia__Baku, [(5, 1200, 1560), (6, 60, 90), (6, 120, 180)]);
        assert_eq!(open(&both, friday), [(night.0, night.1 + TimeDelta::hours(1))]);
    }

    #[test]
    fn bk_12_a_closed_day_lets_the_night_before_end() {
        let saturday = date(2026, 11, 21);
        let mut baku = branch(Tz::Asia__Baku, [(5, 1200, 1560), (6, 600, 1080), (6, 1200, 1560)]);
        baku.special = vec![SpecialDay { date: saturday, spans: Vec::new() }];
        let night = (at(saturday, -8, 0), at(saturday, -2, 0));
        assert_eq!(open(&baku, saturday), [night], "Friday night, then nothing");
        baku.special[0].spans = vec![Opening { opens_min: 720, closes_min: 780 }];
        assert_eq!(open(&baku, saturday), [night, (at(saturday, 8, 0), at(saturday, 9, 0))]);
    }

    #[test]
    fn bk_12_clocks_once_were_off_by_seconds_in_monrovia() {
        // Until 7 January 1972: 44 minutes and 30 seconds behind.
        let day = date(1971, 6, 1);
        let monrovia = branch(Tz::Africa__Monrovia, [(2, 0, 60)]);
        let first = at(day, 0, 44) + TimeDelta::seconds(30);
        assert_eq!(monrovia.starts(day, 15)[0], first);
        assert!(monrovia.on_grid(first, 15) && !monrovia.on_grid(at(day, 0, 45), 15));
        assert_eq!(open(&monrovia, day), [(first, first + TimeDelta::hours(1))]);
    }
}
