//! The policy check, pure: which keys of a version contradict each other, and which rule can never
//! apply.
//!
//! An error is a policy under which the service cannot work; it is not published. A warning is
//! something the operator should have intended.

mod bounds;
mod commission;
mod money;
mod orders;
mod people;
#[cfg(test)]
mod tests;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::{CalendarKeys, Policy};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// The service cannot work under it.
    Error,
    /// The operator should have intended it.
    Warning,
}

/// A finding of the check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// Stable, for programs.
    pub code: String,
    /// The keys it is about, `section.key`.
    pub keys: Vec<String>,
    /// What is wrong, for people.
    pub says: String,
}

impl Finding {
    fn of(severity: Severity, code: &str, keys: &[&str], says: String) -> Self {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        Self { severity, code: code.to_owned(), keys, says }
    }

    fn error(code: &str, keys: &[&str], says: impl Into<String>) -> Self {
        Self::of(Severity::Error, code, keys, says.into())
    }

    fn warning(code: &str, keys: &[&str], says: impl Into<String>) -> Self {
        Self::of(Severity::Warning, code, keys, says.into())
    }
}

/// All findings of a version, errors first. `today`: holidays must be known from this day on.
///
/// # Source
/// COM-1, and the rules of the keys.
#[must_use]
pub fn check(policy: &Policy, today: NaiveDate) -> Vec<Finding> {
    let mut found = bounds::check(policy);
    found.extend(commission::check(&policy.commission));
    found.extend(money::check(policy));
    found.extend(orders::check(policy));
    found.extend(people::check(policy));
    found.extend(calendar(&policy.calendar, today));
    found.sort_by_key(|finding| finding.severity == Severity::Warning);
    found
}

/// Is there an error among them?
#[must_use]
pub fn broken(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// How many months ahead the holidays must be known.
const MONTHS_KNOWN: u32 = 2;

/// Checks that the holidays of this year, and soon of the next, are set: working days depend on
/// them.
fn calendar(calendar: &CalendarKeys, today: NaiveDate) -> Option<Finding> {
    let next = u32::from(today.month() > 12 - MONTHS_KNOWN);
    let year = today.checked_add_months(chrono::Months::new(12 * next)).map_or(0, |d| d.year());
    let known = calendar.holidays.iter().any(|day| day.year() == year);
    (!known).then(|| {
        let says = format!("No holiday of {year} is named: working days would be counted wrong.");
        Finding::warning("holidays_missing", &["calendar.holidays"], says)
    })
}
