//! Telemetry: logs for people and machines, metrics for Prometheus.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// The format of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts logging to standard output; a second call changes nothing.
pub fn logs(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // The server's notices are logged whatever the filter leaves out.
    let filter = match format!("{NOTICES}=warn").parse() {
        Ok(notices) => filter.add_directive(notices),
        Err(_) => filter,
    };
    // Colours only on terminals, so that log files can be searched.
    let lines = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    let all = tracing_subscriber::registry().with(filter).with(Notices(leaked));
    let _ = match format {
        LogFormat::Text => all.with(lines).try_init(),
        LogFormat::Json => all.with(lines.json().flatten_event(false)).try_init(),
    };
}

/// The log target of the driver for PostgreSQL's notices.
const NOTICES: &str = "sqlx::postgres::notice";
/// PostgreSQL's notice about a `BEGIN` on a connection that was left inside a transaction.
const LEAKED: &str = "already a transaction in progress";

/// Calls the function when the notice about a leaked transaction is logged.
struct Notices(fn());

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != NOTICES {
            return;
        }
        let mut leaked = Leaked(false);
        event.record(&mut leaked);
        if leaked.0 {
            (self.0)();
        }
    }
}

fn leaked() {
    metrics::counter!("yumo_transactions_leaked").increment(1);
    // An event must not be logged from within another.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async {
            tracing::error!(alarm = "transaction_leaked", "a connection was lent inside one");
        });
    }
}

/// Does the message contain that notice?
struct Leaked(bool);

impl Visit for Leaked {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").contains(LEAKED);
    }
}

const LATENESS: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
const SECONDS: &[f64] = &[0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// The metrics of this process, as text for Prometheus.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let full = |name: &str| Matcher::Full(name.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(full("yumo_timer_lateness_seconds"), LATENESS)
            .and_then(|b| b.set_buckets_for_metric(full("yumo_command_seconds"), SECONDS))
            .and_then(|b| b.set_buckets_for_metric(full("yumo_slots_seconds"), SECONDS))
            .and_then(|b| b.set_buckets_for_metric(full("yumo_feed_delivery_seconds"), SECONDS));
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // Another recorder in the same process (tests) stays.
        let _ = metrics::set_global_recorder(recorder);
        handle
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Only the notice, as the driver logs it, is detected.
    #[test]
    fn a_leaked_transaction_is_heard() {
        static HEARD: AtomicU32 = AtomicU32::new(0);
        let hears = Notices(|| {
            HEARD.fetch_add(1, Ordering::Relaxed);
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(hears), || {
            let words = "there is already a transaction in progress";
            tracing::warn!(target: "sqlx::postgres::notice", message = words);
            tracing::warn!(target: "sqlx::postgres::notice", message = "relation exists, skipping");
            tracing::warn!(message = words);
        });
        assert_eq!(HEARD.load(Ordering::Relaxed), 1);
    }
}
