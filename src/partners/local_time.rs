//! The local time of a branch.

use chrono::NaiveDate;
use chrono_tz::Tz;
use entity::partner;
use entity::value::Instant;

use platform::Fault;

/// The zone of a branch.
///
/// # Errors
/// A fault when it is unknown.
pub fn zone(row: &partner::Model) -> Result<Tz, Fault> {
    row.zone.parse().map_err(|_| Fault::Inconsistent {
        table: "partner",
        id: row.id.to_string(),
        what: format!("zone: {} is no IANA zone", row.zone),
    })
}

/// Today at the branch.
///
/// # Errors
/// A fault when its zone is unknown.
pub fn today(row: &partner::Model, now: Instant) -> Result<NaiveDate, Fault> {
    Ok(now.with_timezone(&zone(row)?).date_naive())
}
