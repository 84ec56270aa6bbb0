//! Hours, grids and free slots against a reference without time zone rules: it walks the days
//! minute by minute in UTC and reads the branch's local time at each (BK-1, BK-12).
//! `YUMO_TEST_SEED` repeats a run's random choices; the seed is printed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not foresee"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _,
};
use chrono_tz::{TZ_VARIANTS, Tz};
use entity::value::{BayId, Instant, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use uuid::Uuid;
use yumo::partners::capacity::slots::{Busy, Ticks, Visit, choose, free, ticks};
use yumo::partners::schedule::hours::{
    Calendar, Hours, Opening, SpecialDay, sensible, sensible_day,
};

/// Half and quarter hours, half-hour daylight saving, skipped midnights and dates.
const ZONES: &[Tz] = &[
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kolkata,
    Tz::Asia__Kathmandu,
    Tz::America__St_Johns,
    Tz::Africa__Cairo,
    Tz::America__Havana,
    Tz::Asia__Baku,
    Tz::Pacific__Apia,
    Tz::Africa__Casablanca,
    Tz::UTC,
];
/// Days walked on both sides of a date.
const AROUND_DAYS: i64 = 4;

/// The dates on which each zone's offset changed, 2010 to 2030.
static TURNS: LazyLock<BTreeMap<&str, Vec<NaiveDate>>> = LazyLock::new(|| {
    let nights: Vec<Instant> = (0..21 * 365).map(|n| midnight(2010, 1, 1) + days(n)).collect();
    let turns = |zone: &Tz| {
        let wall = |at: Instant| at.with_timezone(zone).naive_local();
        let turned = nights.windows(2).filter(|d| wall(d[1]) - wall(d[0]) != days(1));
        (zone.name(), turned.map(|d| wall(d[1]).date()).collect())
    };
    ZONES.iter().map(turns).collect()
});

fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn midnight(year: i32, month: u32, day: u32) -> Instant {
    date(year, month, day).and_time(NaiveTime::MIN).and_utc()
}

/// A minute in UTC and the branch's local time at it.
struct Minute {
    at: Instant,
    wall: NaiveDateTime,
    /// The latest local time so far.
    reached: NaiveDateTime,
    /// The earliest local time from here on, and after this minute.
    ahead: (NaiveDateTime, NaiveDateTime),
}

/// Every minute around a date.
fn walk(zone: Tz, date: NaiveDate) -> Vec<Minute> {
    let first = date.and_time(NaiveTime::MIN).and_utc() - days(AROUND_DAYS);
    let minutes = (0..(2 * AROUND_DAYS + 1) * 1440).map(|n| first + TimeDelta::minutes(n));
    let mut walk: Vec<Minute> = minutes
        .map(|at| (at, at.with_timezone(&zone).naive_local()))
        .map(|(at, wall)| Minute { at, wall, reached: wall, ahead: (wall, NaiveDateTime::MAX) })
        .collect();
    for n in 1..walk.len() {
        walk[n].reached = walk[n].reached.max(walk[n - 1].reached);
    }
    for n in (1..walk.len()).rev() {
        let after = walk[n].ahead.0;
        walk[n - 1].ahead = (after.min(walk[n - 1].wall), after);
    }
    walk
}

/// The opening spans of the days around a date in local time: from, until.
fn written(calendar: &Calendar, date: NaiveDate) -> Vec<(NaiveDateTime, NaiveDateTime)> {
    let mut written = Vec::new();
    for day in (-AROUND_DAYS - 3..=AROUND_DAYS + 3).map(|n| date + days(n)) {
        let at = |minute: i16| day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.into());
        if let Some(special) = calendar.special.iter().find(|special| special.date == day) {
            written.extend(special.spans.iter().map(|s| (at(s.opens_min), at(s.closes_min))));
        } else {
            let weekly = calendar.weekly.iter().filter(|h| h.weekday == weekday(day));
            written.extend(weekly.map(|h| (at(h.opens_min), at(h.closes_min))));
        }
    }
    written
}

/// Open from the local opening time on, until the local time passes the closing for the last time.
fn is_open(minute: &Minute, written: &[(NaiveDateTime, NaiveDateTime)]) -> bool {
    let (ahead, after) = minute.ahead;
    let open = |opens, closes| minute.reached >= opens && (ahead < closes || after == closes);
    written.iter().any(|(opens, closes)| open(*opens, *closes))
}

fn weekday(date: NaiveDate) -> i16 {
    i16::try_from(date.weekday().num_days_from_monday()).unwrap() + 1
}

fn minute_of_day(wall: NaiveDateTime) -> i64 {
    i64::from(wall.hour() * 60 + wall.minute())
}

fn place() -> impl Strategy<Value = (Tz, NaiveDate)> {
    let dice = (select(ZONES), any::<Index>(), -1_i64..=1, 0_i64..2557, 0..4);
    dice.prop_map(|(zone, which, beside, later, die)| {
        let turns = &TURNS[zone.name()];
        let turn = (die > 0 && !turns.is_empty()).then(|| *which.get(turns) + days(beside));
        (zone, turn.unwrap_or(date(2024, 1, 1) + days(later)))
    })
}

/// Mostly where clocks change: around midnight and in the small hours.
fn opening() -> impl Strategy<Value = Opening> {
    let turn = select(&[0, 30, 60, 90, 120, 150, 180, 1320, 1380][..]);
    let opens = prop_oneof![2 => turn, 1 => 0_i16..250, 1 => 1380_i16..1440, 1 => 0_i16..1440];
    let half_hours = (1_i16..9).prop_map(|n| n * 30);
    let lasts = prop_oneof![2 => half_hours, 1 => 1_i16..200, 1 => 1_i16..=1440];
    (opens, lasts).prop_map(|(opens_min, min)| Opening { opens_min, closes_min: opens_min + min })
}

fn hours(weekday: i16, opens_min: i16, closes_min: i16) -> Hours {
    Hours { weekday, opens_min, closes_min }
}

/// A branch, and a date that is likely to be an edge case for it.
fn branch() -> impl Strategy<Value = (Calendar, NaiveDate)> {
    let weekly = vec((-2_i64..=2, opening()), 0..8);
    let special = vec((-2_i64..=2, vec(opening(), 0..3)), 0..3);
    (place(), weekly, special).prop_map(|((zone, date), weekly, special)| {
        let once: BTreeMap<i64, Vec<Opening>> = special.into_iter().collect();
        let special = |(n, spans)| SpecialDay { date: date + days(n), spans };
        let special = once.into_iter().map(special).collect();
        let weekly = weekly
            .into_iter()
            .map(|(n, s)| hours(weekday(date + days(n)), s.opens_min, s.closes_min));
        (Calendar { zone, weekly: weekly.collect(), special }, date)
    })
}

/// A span from this many seconds after the date's midnight in UTC, this many long.
fn span(date: NaiveDate, from_secs: i64, secs: i64) -> Span {
    let from = date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::seconds(from_secs);
    Span { from, until: from + TimeDelta::seconds(secs) }
}

fn bay(n: u128) -> BayId {
    BayId(Uuid::from_u128(n))
}

fn dice() -> ProptestConfig {
    let told = std::env::var("YUMO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(rand::random);
    println!("schedule: YUMO_TEST_SEED={seed}");
    let rng_seed = RngSeed::Fixed(seed);
    ProptestConfig { cases: 300, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(dice())]

    #[test]
    fn bk_12_open_is_what_the_clock_at_the_door_says(
        (calendar, date) in branch(), from in -1440_i64..2880, lasts in 0_i64..2880,
    ) {
        let within = span(date, from * 60, lasts * 60);
        let written = written(&calendar, date);
        let mut expected: Vec<Span> = Vec::new();
        for minute in walk(calendar.zone, date).iter().filter(|m| within.holds(m.at)) {
            let open = is_open(minute, &written);
            prop_assert_eq!(calendar.open_at(minute.at), open, "at {}", minute.at);
            if open {
                let until = minute.at + TimeDelta::minutes(1);
                match expected.last_mut().filter(|last| last.until == minute.at) {
                    Some(last) => last.until = until,
                    None => expected.push(Span { from: minute.at, until }),
                }
            }
        }
        prop_assert_eq!(calendar.open(within), expected);
    }

    #[test]
    fn bk_12_open_does_not_depend_on_how_much_is_asked(
        (calendar, date) in branch(), from in -86_400_i64..172_800, lasts in 0_i64..172_800,
    ) {
        let part = span(date, from, lasts);
        let cut = |s: Span| Span { from: s.from.max(part.from), until: s.until.min(part.until) };
        let whole = calendar.open(span(date, -10 * 86_400, 20 * 86_400));
        let cut: Vec<Span> = whole.iter().copied().map(cut).filter(|s| s.from < s.until).collect();
        prop_assert_eq!(calendar.open(part), cut);
        let open = whole.iter().any(|span| span.holds(part.from));
        prop_assert_eq!(calendar.open_at(part.from), open);
    }

    #[test]
    fn bk_12_a_day_begins_when_its_date_is_first_shown((zone, date) in place()) {
        let calendar = Calendar { zone, weekly: Vec::new(), special: Vec::new() };
        let walk = walk(zone, date);
        let first = |date| walk.iter().find(|m| m.wall.date() >= date).unwrap().at;
        for n in -2..=2 {
            let date = date + days(n);
            let next = date + days(1);
            prop_assert_eq!(calendar.day(date), Span { from: first(date), until: first(next) });
        }
        for minute in &walk {
            prop_assert_eq!(calendar.date_of(minute.at), minute.wall.date());
        }
    }

    #[test]
    fn bk_12_the_grid_is_what_the_clock_shows(
        (zone, date) in place(),
        grid in select(&[1_i64, 5, 7, 10, 15, 20, 30, 45, 60, 90, 1440, 2000][..]),
        nanos in 1_i64..60_000_000_000,
    ) {
        let calendar = Calendar { zone, weekly: Vec::new(), special: Vec::new() };
        let mut expected = Vec::new();
        for minute in walk(zone, date).iter().filter(|m| m.wall.date() == date) {
            let on = minute_of_day(minute.wall) % grid == 0;
            expected.extend(on.then_some(minute.at));
            prop_assert_eq!(calendar.on_grid(minute.at, grid), on, "at {}", minute.at);
            prop_assert!(!calendar.on_grid(minute.at + TimeDelta::nanoseconds(nanos), grid));
        }
        prop_assert_eq!(calendar.starts(date, grid), expected);
        prop_assert!(calendar.starts(date, 0).is_empty());
        prop_assert!(calendar.starts(date, -grid).is_empty());
        prop_assert!(!calendar.on_grid(calendar.day(date).from, 0));
    }

    #[test]
    fn sensible_hours_cover_no_minute_of_the_week_twice(week in vec((1_i16..=7, opening()), 0..5)) {
        let week = week.iter().map(|(day, s)| hours(*day, s.opens_min, s.closes_min));
        let week: Vec<Hours> = week.collect();
        let mut covered = BTreeSet::new();
        let minutes = |h: &Hours| {
            let monday = i32::from(h.weekday - 1) * 1440;
            (i32::from(h.opens_min)..i32::from(h.closes_min)).map(move |m| (monday + m) % 10_080)
        };
        let once = week.iter().flat_map(minutes).all(|minute| covered.insert(minute));
        prop_assert_eq!(sensible(&week), once);
    }

    #[test]
    fn a_sensible_day_covers_no_minute_twice(spans in vec(opening(), 0..4)) {
        let mut covered = BTreeSet::new();
        let mut minutes = spans.iter().flat_map(|s| s.opens_min..s.closes_min);
        prop_assert_eq!(sensible_day(&spans), minutes.all(|minute| covered.insert(minute)));
    }

    #[test]
    fn bk_2_a_span_takes_every_tick_it_touches(
        from in -5_000_000_000_000_i64..5_000_000_000_000,
        lasts in prop_oneof![1_i64..3, 1_i64..5_000_000_000_000],
        unit in select(&[1_i64, 1_000_000_000, 300_000_000_000][..]),
        before in 0_i64..2, beyond in 0_i64..2,
    ) {
        // Often on a cell boundary, or one nanosecond off it.
        let until = (from / unit + lasts / unit + 1) * unit + beyond;
        let from = from / unit * unit - before;
        let at = DateTime::from_timestamp_nanos;
        let Ticks { from: first, until: after } = ticks(Span { from: at(from), until: at(until) });
        let tick = 300_000_000_000;
        prop_assert!(first * tick <= from && from < (first + 1) * tick);
        prop_assert!((after - 1) * tick < until && until <= after * tick);
    }

    #[test]
    fn runs_of_ticks_meet_where_they_share_one(
        a in (0_i64..9, 0_i64..9), b in (0_i64..9, 0_i64..9),
    ) {
        let share = (a.0..a.1).any(|tick| (b.0..b.1).contains(&tick));
        let run = |(from, until)| Ticks { from, until };
        prop_assert_eq!(run(a).meets(&run(b)), share);
    }

    #[test]
    fn bk_1_free_is_every_start_whose_minutes_are_open_and_whose_ticks_are_not_taken(
        (calendar, date) in branch(),
        grid in select(&[5_i64, 15, 30][..]),
        visit in (1_i64..40, 0_i64..20).prop_map(|(minutes, rest)| (minutes * 5, rest * 5)),
        taken in vec((0_u128..5, -144_i64..432, select(&[0_i64, 1, 4, 9, 50][..])), 0..50),
        between in (-43_200_i64..86_400, 0_i64..172_800),
    ) {
        let visit = Visit { minutes: visit.0, buffer_min: visit.1 };
        let bays = [bay(3), bay(1), bay(2)];
        let zero = date.and_time(NaiveTime::MIN).and_utc().timestamp() / 300;
        let busy: Vec<Busy> = taken
            .iter()
            .map(|(n, from, lasts)| (*n, Ticks { from: zero + from, until: zero + from + lasts }))
            .map(|(n, ticks)| Busy { bay_id: bay(n), ticks })
            .collect();
        let between = span(date, between.0, between.1);

        let open = calendar.open(span(date, -3 * 86_400, 7 * 86_400));
        let slots = free(&open, &calendar.starts(date, grid), &bays, &busy, visit, between);

        let written = written(&calendar, date);
        let walk = walk(calendar.zone, date);
        let taken: BTreeSet<(BayId, i64)> = busy
            .iter()
            .flat_map(|b| (b.ticks.from..b.ticks.until).map(|tick| (b.bay_id, tick)))
            .collect();
        let mut expected = Vec::new();
        for (n, start) in walk.iter().enumerate().filter(|(_, m)| m.wall.date() == date) {
            let minutes = |lasts: i64| &walk[n..n + usize::try_from(lasts).unwrap()];
            if minute_of_day(start.wall) % grid != 0
                || !between.holds(start.at)
                || !minutes(visit.minutes).iter().all(|minute| is_open(minute, &written))
            {
                continue;
            }
            let wanted = minutes(visit.minutes + visit.buffer_min).iter();
            let wanted: BTreeSet<i64> = wanted.map(|m| m.at.timestamp() / 300).collect();
            let vacant = |b: &BayId| wanted.iter().all(|tick| !taken.contains(&(*b, *tick)));
            let bays: Vec<BayId> = bays.into_iter().filter(vacant).collect();
            if !bays.is_empty() {
                expected.push((start.at, start.at + TimeDelta::minutes(visit.minutes), bays));
            }
        }
        let found = slots.iter().map(|slot| (slot.starts_at, slot.ends_at, slot.bays.clone()));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);

        for slot in &slots {
            let first = slot.starts_at.timestamp() / 300;
            // No cell is occupied earlier than two days before the date.
            let idle = |b: &BayId| (1..1440).find(|n| taken.contains(&(*b, first - n)));
            let idle: Vec<i64> = slot.bays.iter().map(|b| idle(b).unwrap_or(i64::MAX)).collect();
            let best = idle.iter().position(|n| Some(n) == idle.iter().min()).unwrap();
            prop_assert_eq!(choose(slot, &busy, visit), Some(slot.bays[best]));
        }
    }
}

#[test]
fn bk_12_clocks_went_back_over_midnight_in_st_johns() {
    // Sunday 7 November 2010: at 00:01 (UTC−2:30) it was Saturday 23:01 again (UTC−3:30).
    let weekly = vec![hours(5, 1420, 2850), hours(7, 0, 60)];
    let branch = Calendar { zone: Tz::America__St_Johns, weekly, special: Vec::new() };
    let midnight = midnight(2010, 11, 7) + TimeDelta::minutes(150);
    assert_eq!(branch.day(date(2010, 11, 7)).from, midnight);
    let saturday = midnight + TimeDelta::minutes(45);
    assert_eq!(branch.date_of(saturday), date(2010, 11, 6), "23:45 for the second time");
    assert!(branch.open_at(saturday), "Sunday's hours have begun");
    let until = midnight + TimeDelta::hours(2);
    let friday = date(2010, 11, 5).and_hms_opt(23, 40, 0).unwrap().and_utc();
    let from = friday + TimeDelta::minutes(150);
    let open = branch.open(Span { from: from - days(1), until: until + days(1) });
    assert_eq!(open, [Span { from, until }], "from Friday 23:40 to Sunday 01:00");
    let friday_only = Calendar { weekly: vec![branch.weekly[0]], ..branch };
    assert!(friday_only.open_at(midnight), "until Saturday 23:30 for the second time");
}

#[test]
fn bk_12_no_zone_and_no_date_is_too_much() {
    let odd = [Tz::Africa__Monrovia, Tz::America__Goose_Bay, Tz::Antarctica__Troll];
    let near = ZONES.iter().chain(&odd).map(|zone| (*zone, 11));
    for (zone, step) in TZ_VARIANTS.iter().map(|zone| (*zone, 997)).chain(near) {
        let weekly = vec![hours(1, 0, 120), hours(3, 1410, 1530), hours(7, 150, 1590)];
        let branch = Calendar { zone, weekly, special: Vec::new() };
        let dates = (0..131 * 365).step_by(step).map(|n| date(1970, 1, 1) + days(n));
        for date in dates {
            let day = branch.day(date);
            assert!(day.from <= day.until && day.until - day.from <= days(2), "{zone} {date}");
            let starts = branch.starts(date, 60);
            assert!(starts.is_sorted());
            for start in starts {
                assert!(branch.date_of(start) == date && branch.on_grid(start, 60));
            }
            for span in branch.open(day) {
                assert!(branch.open_at(span.from));
                assert!(span.until == day.until || !branch.open_at(span.until));
            }
        }
    }
}
