//! The policy watcher of each node: reads versions published by other nodes, and logs the findings
//! of the check for those that apply.

use std::sync::Arc;

use entity::value::Instant;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Registry;
use super::check::{self, Severity};
use platform::bus::Wake;
use platform::db::pool::Pool;
use platform::{Clock, CommandError};

/// The bus topic for a published version.
pub const TOPIC: &str = "policy";

/// Reads new versions when the bus announces one, or when a version is requested that is not in the
/// registry; ends with the bus.
pub async fn follow(
    mut wakes: broadcast::Receiver<Wake>,
    book: Arc<Registry>,
    read: Pool,
    clock: Arc<dyn Clock>,
) {
    loop {
        let look = tokio::select! {
            () = book.missed() => true,
            wake = wakes.recv() => match wake {
                Ok(wake) => wake.topics.iter().any(|topic| topic == TOPIC || topic == "*"),
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            },
        };
        if look {
            super::watch::refresh(&book, &read, clock.now()).await;
        }
    }
}

/// Takes up what was published since, and says what is wrong with it; the next look tries again
/// where the database fails.
pub async fn refresh(book: &Registry, read: &Pool, now: Instant) {
    match book.refresh(read).await {
        Ok(0) => {}
        Ok(new) => {
            tracing::info!(new, "policy versions were taken up");
            if let Err(stop) = report(book, now) {
                tracing::warn!(?stop, "the policy could not be checked");
            }
        }
        Err(error) => tracing::warn!(%error, "policy versions could not be read"),
    }
}

/// Logs the findings for the version in force and for those to come: warnings as such, errors as an
/// alarm.
///
/// # Errors
/// A fault when no version is in force.
pub fn report(book: &Registry, now: Instant) -> Result<(), CommandError> {
    let (mut errors, mut warnings) = (0_u32, 0_u32);
    for version in book.from(now)? {
        let number = version.version;
        for finding in check::check(&version.keys, now.date_naive()) {
            let (code, says) = (&finding.code, &finding.says);
            match finding.severity {
                Severity::Error => {
                    errors += 1;
                    tracing::error!(alarm = "policy_broken", version = number, code, "{says}");
                }
                Severity::Warning => {
                    warnings += 1;
                    tracing::warn!(version = number, code, "policy: {says}");
                }
            }
        }
    }
    let gauge = |severity| metrics::gauge!("yumo_policy_findings", "severity" => severity);
    gauge("error").set(f64::from(errors));
    gauge("warning").set(f64::from(warnings));
    Ok(())
}
