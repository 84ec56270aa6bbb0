//! The arrival code shown at a branch: six digits, new every local day (ARR-1, LIM-3).
//!
//! It is computed from the deployment's key, the branch's own secret and the date: every node can
//! compute it, and yesterday's code reveals nothing about today's.

use chrono::{NaiveDate, TimeDelta};
use entity::partner;
use entity::value::{Instant, SealedColumn};

use crate::partners::local_time::today;
use platform::CommandError;
use platform::crypto::Keys;

/// Digits of a code.
const DIGITS: u32 = 6;

/// The code of a branch at this instant.
///
/// # Errors
/// A fault when the branch's zone is unknown.
pub fn shown(keys: &Keys, row: &partner::Model, now: Instant) -> Result<String, CommandError> {
    Ok(of_date(keys, row, today(row, now)?))
}

/// The codes valid at this instant: today's, and for a short time after midnight that of the day
/// before; later today's twice.
///
/// # Errors
/// A fault when the branch's zone is unknown.
pub fn good(
    keys: &Keys,
    row: &partner::Model,
    now: Instant,
    grace: TimeDelta,
) -> Result<[String; 2], CommandError> {
    Ok([shown(keys, row, now)?, shown(keys, row, now - grace)?])
}

fn of_date(keys: &Keys, row: &partner::Model, date: NaiveDate) -> String {
    let secret = keys.open(SealedColumn::ArrivalCode, row.id, &row.arrival_code);
    let secret = secret.unwrap_or_default();
    keys.number("arrival_code", &format!("{}\n{date}\n{secret}", row.id), DIGITS)
}
