//! Working days, as pure functions (BON-5).

use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate, Weekday};

/// Is it a working day: neither Saturday nor Sunday nor a holiday?
#[must_use]
pub fn works(day: NaiveDate, holidays: &BTreeSet<NaiveDate>) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    !weekend && !holidays.contains(&day)
}

/// The day that many working days after `from`, which itself does not count; `from` where the
/// number is zero or less.
///
/// # Source
/// BON-5: working days follow the calendar of the policy.
#[must_use]
pub fn after(from: NaiveDate, working_days: i64, holidays: &BTreeSet<NaiveDate>) -> NaiveDate {
    let mut left = working_days;
    let mut day = from;
    while left > 0 {
        // The last date that can be represented.
        let Some(next) = day.succ_opt() else { return day };
        day = next;
        left -= i64::from(works(day, holidays));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn holidays() -> BTreeSet<NaiveDate> {
        let keys: crate::policy::Policy = toml::from_str(crate::policy::draft::DEFAULTS).unwrap();
        keys.calendar.holidays
    }

    fn counted(from: &str, days: i64) -> NaiveDate {
        after(day(from), days, &holidays())
    }

    /// BON-5: weeks without holidays, from each weekday; expected values from a paper calendar.
    #[test]
    fn bon_5_ten_working_days_are_two_weeks() {
        assert_eq!(counted("2026-09-01", 10), day("2026-09-15"));
        assert_eq!(counted("2026-09-04", 1), day("2026-09-07"));
        assert_eq!(counted("2026-09-05", 1), day("2026-09-07"));
        assert_eq!(counted("2026-09-06", 5), day("2026-09-11"));
        assert_eq!(counted("2026-09-01", 0), day("2026-09-01"));
        assert_eq!(counted("2026-09-05", -3), day("2026-09-05"));
    }

    /// BON-5: from Christmas Day 2026: 28, 29, 30 December; 31 and 1 free, 2 and 3 the weekend, 4
    /// for New Year's Saturday; 5, 6, 7, 8, 11, 12, 13 January.
    #[test]
    fn bon_5_across_new_year() {
        assert_eq!(counted("2026-12-25", 3), day("2026-12-30"));
        assert_eq!(counted("2026-12-25", 4), day("2027-01-05"));
        assert_eq!(counted("2026-12-25", 10), day("2027-01-13"));
    }

    /// BON-5: Novruz and Ramazan of 2026 are eleven days on end; Novruz of 2027 nine.
    #[test]
    fn bon_5_across_novruz() {
        assert_eq!(counted("2026-03-19", 1), day("2026-03-31"));
        assert_eq!(counted("2026-03-19", 10), day("2026-04-13"));
        assert_eq!(counted("2027-03-19", 1), day("2027-03-29"));
        assert_eq!(counted("2027-03-12", 10), day("2027-04-02"));
    }

    /// BON-5: as in the ministry's calendar of 2026: 241 working days, 365 less 124.
    #[test]
    fn bon_5_the_year_2026_has_241_working_days() {
        let holidays = holidays();
        let first = day("2026-01-01");
        let worked = first.iter_days().take(365).filter(|day| works(*day, &holidays)).count();
        assert_eq!(worked, 241);
    }
}
