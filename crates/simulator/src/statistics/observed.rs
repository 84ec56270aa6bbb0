//! What the clients observe, counted in the census.

use super::census::{Census, one};
use super::clock_sync::ClockSync;
use chrono::{DateTime, Utc};
use client::{Event, Observation, Observer, Pace};
use std::sync::Arc;

/// Counts the observations of all people's clients.
pub(crate) struct Observed {
    pub(crate) census: Arc<Census>,
    pub(crate) clock_sync: Arc<ClockSync>,
    pub(crate) pace: Pace,
}

impl Observer for Observed {
    fn observe(&self, who: &str, what: Observation<'_>) {
        let Self { census, clock_sync, .. } = self;
        let count = &census.count;
        match what {
            Observation::Request => one(&count.requests),
            Observation::Retry => one(&count.retries),
            Observation::Command(took) => census.command.record(took),
            Observation::Refusal(problem) => census.refused(problem),
            Observation::OddResponse { path, .. } => {
                one(&count.odd_answers);
                census.tell(who, format!("odd answer on {path}"));
            }
            Observation::SignIn => one(&count.sign_ins),
            Observation::Refresh => one(&count.refreshes),
            Observation::Connection { again } => {
                one(&count.connections);
                if again {
                    one(&count.reconnections);
                }
            }
            Observation::Event { event, received_at } => {
                one(&count.events);
                self.record_lag(event, received_at);
            }
            Observation::Blank => one(&count.blanks),
            Observation::SnapshotTaken => one(&count.snapshots),
            Observation::ServerNow(now) => clock_sync.read(now),
            Observation::OddFrame(_) => one(&count.odd_answers),
            Observation::Violation(what) => census.violation(what),
        }
    }
}

impl Observed {
    /// The delivery time of an event: by this machine's clock, or by the server's sped-up one.
    fn record_lag(&self, event: &Event, received_at: DateTime<Utc>) {
        let (pace, telling) = (self.pace, &self.census.telling);
        let until = if pace.is_real() { received_at } else { event.server_now };
        let lag = (until - event.at).to_std().unwrap_or_default();
        telling.record(if pace.is_real() { lag } else { pace.real_of(lag) });
    }
}
