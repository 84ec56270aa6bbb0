//! The code shown at a branch: six digits, others every local day (ARR-1, LIM-3).
//!
//! It is computed from the deployment's key, the branch's own secret and the date: every node knows
//! it, and a code of yesterday says nothing about that of today.

use chrono::{NaiveDate, TimeDelta};
use entity::partner;
use entity::value::{Instant, SealedColumn};

use super::read;
use crate::platform::Stop;
use crate::platform::crypto::Keys;

/// Digits of a code.
const DIGITS: u32 = 6;

/// The code a branch shows at this instant.
///
/// # Errors
/// A fault when the branch's zone is unknown.
pub fn shown(keys: &Keys, row: &partner::Model, now: Instant) -> Result<String, Stop> {
    Ok(of_date(keys, row, date(row, now)?))
}

/// The codes that are good at this instant: today's, and that of the day before for a short time
/// after midnight; the same one twice for the rest of the day.
///
/// # Errors
/// A fault when the branch's zone is unknown.
pub fn good(
    keys: &Keys,
    row: &partner::Model,
    now: Instant,
    grace: TimeDelta,
) -> Result<[String; 2], Stop> {
    Ok([shown(keys, row, now)?, shown(keys, row, now - grace)?])
}

fn date(row: &partner::Model, now: Instant) -> Result<NaiveDate, Stop> {
    Ok(now.with_timezone(&read::zone(row)?).date_naive())
}

fn of_date(keys: &Keys, row: &partner::Model, date: NaiveDate) -> String {
    let secret = keys.open(SealedColumn::ArrivalCode, row.id, &row.arrival_code);
    let secret = secret.unwrap_or_default();
    keys.number("arrival_code", &format!("{}\n{date}\n{secret}", row.id), DIGITS)
}
