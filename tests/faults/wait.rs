//! Waiting for real time, the only place that does in these tests: they observe another process.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Lets real time pass.
#[expect(clippy::disallowed_methods, reason = "a process of its own has a clock of its own")]
pub async fn pause(real: Duration) {
    tokio::time::sleep(real).await;
}

/// The machine's clock, which the servers under test use too.
#[expect(clippy::disallowed_methods, reason = "the process under test reads the same clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Waits until the machine's clock has reached an instant.
pub async fn until(at: DateTime<Utc>) {
    while let Ok(left) = (at - now()).to_std() {
        pause(left).await;
    }
}
