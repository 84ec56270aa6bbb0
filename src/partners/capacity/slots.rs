//! The free starts of a day and the bays for each: pure (BK-1, BK-2).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::value::{BayId, Instant, Span};

/// The length of an occupancy cell, the minimum a bay is taken for, seconds.
pub const TICK_SECS: i64 = 300;

/// A half-open run of occupancy cells, each numbered by the unix seconds of its start divided by
/// [`TICK_SECS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks {
    /// The first cell of it.
    pub from: i64,
    /// The first cell after it.
    pub until: i64,
}

impl Ticks {
    /// Do the runs share a cell? An empty run shares none.
    #[must_use]
    pub fn meets(&self, other: &Ticks) -> bool {
        self.from.max(other.from) < self.until.min(other.until)
    }
}

/// Every cell a span touches: rounded outward.
#[must_use]
pub fn ticks(span: Span) -> Ticks {
    let part = i64::from(span.until.timestamp_subsec_nanos() > 0);
    Ticks {
        from: span.from.timestamp().div_euclid(TICK_SECS),
        until: (span.until.timestamp() + part + TICK_SECS - 1).div_euclid(TICK_SECS),
    }
}

/// A run of cells in which a bay is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The bay.
    pub bay_id: BayId,
    /// The cells.
    pub ticks: Ticks,
}

/// The duration of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Minutes of its services together.
    pub minutes: i64,
    /// Minutes of the bay's buffer after them.
    pub buffer_min: i64,
}

impl Visit {
    /// The span of the services.
    #[must_use]
    pub fn serving(&self, start: Instant) -> Span {
        Span { from: start, until: after(start, self.minutes) }
    }

    /// The occupancy of the bay: the services and the buffer after them.
    #[must_use]
    pub fn occupying(&self, start: Instant) -> Span {
        Span { from: start, until: after(start, self.minutes.saturating_add(self.buffer_min)) }
    }
}

fn after(start: Instant, minutes: i64) -> Instant {
    let until = TimeDelta::try_minutes(minutes).and_then(|long| start.checked_add_signed(long));
    until.unwrap_or(Instant::MAX_UTC)
}

/// A start that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The start.
    pub starts_at: Instant,
    /// The planned end, without the buffer.
    pub ends_at: Instant,
    /// The bays that are free for it; never empty.
    pub bays: Vec<BayId>,
}

/// The starts `between` that can be booked (BK-1): one span of `open` contains the services –
/// closing may fall into the buffer – and a bay is free until the end of the buffer.
///
/// Starts and bays keep the order they are given in.
#[must_use]
pub fn free(
    open: &[Span],
    starts: &[Instant],
    bays: &[BayId],
    busy: &[Busy],
    visit: Visit,
    between: Span,
) -> Vec<Slot> {
    let runs = runs(busy);
    let lanes: Vec<(BayId, &[Ticks])> =
        bays.iter().map(|bay| (*bay, runs.get(bay).map_or(&[][..], Vec::as_slice))).collect();
    let slot = |start: &Instant| {
        let serving = visit.serving(*start);
        let within = |o: &Span| o.from <= serving.from && serving.until <= o.until;
        if !between.holds(*start) || !open.iter().any(within) {
            return None;
        }
        let wanted = ticks(visit.occupying(*start));
        let vacant = lanes.iter().filter(|(_, taken)| vacant(taken, wanted));
        let bays: Vec<BayId> = vacant.map(|(bay, _)| *bay).collect();
        (!bays.is_empty()).then_some(Slot { starts_at: *start, ends_at: serving.until, bays })
    };
    starts.iter().filter_map(slot).collect()
}

/// The taken runs of each bay: sorted and disjoint.
fn runs(busy: &[Busy]) -> BTreeMap<BayId, Vec<Ticks>> {
    let mut sorted = busy.to_vec();
    sorted.retain(|b| b.ticks.from < b.ticks.until);
    sorted.sort_unstable_by_key(|b| (b.bay_id, b.ticks));
    let mut runs: BTreeMap<BayId, Vec<Ticks>> = BTreeMap::new();
    for Busy { bay_id, ticks } in sorted {
        let bay = runs.entry(bay_id).or_default();
        match bay.last_mut() {
            Some(last) if ticks.from <= last.until => last.until = last.until.max(ticks.until),
            Some(_) | None => bay.push(ticks),
        }
    }
    runs
}

/// Do none of the runs, sorted and disjoint, overlap the wanted one?
fn vacant(taken: &[Ticks], wanted: Ticks) -> bool {
    let over = taken.partition_point(|run| run.until <= wanted.from);
    taken.get(over).is_none_or(|next| !next.meets(&wanted))
}

/// The bay with the shortest idle time before the slot, which keeps long gaps whole; the first of
/// equals. Bays that are taken are skipped.
#[must_use]
pub fn choose(slot: &Slot, busy: &[Busy], visit: Visit) -> Option<BayId> {
    let wanted = ticks(visit.occupying(slot.starts_at));
    let some = busy.iter().filter(|b| b.ticks.from < b.ticks.until);
    let taken = |bay: BayId| some.clone().filter(move |b| b.bay_id == bay).map(|b| b.ticks);
    let idle = |bay: &BayId| {
        let before = taken(*bay).map(|run| run.until).filter(|until| *until <= wanted.from).max();
        before.map_or(i64::MAX, |until| wanted.from.saturating_sub(until))
    };
    let left = slot.bays.iter().filter(|bay| !taken(**bay).any(|run| run.meets(&wanted)));
    left.min_by_key(|bay| idle(bay)).copied()
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone as _, Timelike as _, Utc};
    use chrono_tz::Tz;
    use uuid::Uuid;

    use super::*;
    use crate::partners::schedule::hours::{Calendar, Hours};

    fn bay(n: u128) -> BayId {
        BayId(Uuid::from_u128(n))
    }

    #[test]
    fn bk_1_ninety_minutes_do_not_fit_over_a_break() {
        // 09:00–13:00 and 14:00–18:00.
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let hours = |opens_min, closes_min| Hours { weekday: 1, opens_min, closes_min };
        let weekly = vec![hours(540, 780), hours(840, 1080)];
        let baku = Calendar { zone: Tz::Asia__Baku, weekly, special: Vec::new() };
        let visit = Visit { minutes: 90, buffer_min: 15 };
        let slots = |grid| {
            let (open, starts) = (baku.open(baku.day(day)), baku.starts(day, grid));
            free(&open, &starts, &[bay(1)], &[], visit, baku.day(day))
        };
        let local = |slot: &Slot| {
            let wall = slot.starts_at.with_timezone(&baku.zone);
            (wall.hour(), wall.minute())
        };
        let starts: Vec<_> = slots(30).iter().map(local).collect();
        let morning = [(9, 0), (9, 30), (10, 0), (10, 30), (11, 0), (11, 30)];
        let evening = [(14, 0), (14, 30), (15, 0), (15, 30), (16, 0), (16, 30)];
        assert_eq!(
            starts,
            [morning, evening].concat(),
            "the last ends as it closes, and rests after"
        );
        assert!(slots(5).iter().all(|s| s.ends_at == s.starts_at + TimeDelta::minutes(90)));
    }

    #[test]
    fn bk_1_the_bay_that_stands_idle_least_is_chosen() {
        let start = Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap();
        let visit = Visit { minutes: 30, buffer_min: 10 };
        let noon = ticks(visit.occupying(start));
        let busy = |n, from, until| {
            let ticks = Ticks { from: noon.from + from, until: noon.from + until };
            Busy { bay_id: bay(n), ticks }
        };
        let slot = Slot {
            starts_at: start,
            ends_at: visit.serving(start).until,
            bays: vec![bay(1), bay(2), bay(3), bay(4)],
        };
        let mut taken = vec![busy(1, -9, -6), busy(2, -5, -2), busy(3, -8, -2), busy(4, 8, 9)];
        assert_eq!(choose(&slot, &taken, visit), Some(bay(2)), "the first of two that fit best");
        taken.push(busy(2, 7, 8));
        assert_eq!(choose(&slot, &taken, visit), Some(bay(3)), "2 was taken since, in its rest");
        assert_eq!(choose(&slot, &taken[3..], visit), Some(bay(1)), "none was used today");
        let none = Slot { bays: Vec::new(), ..slot };
        assert_eq!(choose(&none, &taken, visit), None);
    }
}
