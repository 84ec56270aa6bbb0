//! Local dates in paths and queries: `2026-12-31` and no other format.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Deserializer, de};

/// Characters of a date.
const DATE_CHARS: usize = 10;

/// Years a calendar may be asked about: a week less or more is still written with four digits.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9998;

/// A local date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        read(&text).map(Self).ok_or_else(|| de::Error::custom("a date is such as 2026-12-31"))
    }
}

fn read(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == DATE_CHARS
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date: NaiveDate = text.parse().ok().filter(|_| shaped)?;
    YEARS.contains(&date.year()).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_date_is_written_in_one_way() {
        assert_eq!(read("2026-12-31").unwrap().to_string(), "2026-12-31");
        for wrong in ["2026-2-3", "2026-02-30", "+2026-02-3", " 2026-2-03", "20261231", "", "x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
