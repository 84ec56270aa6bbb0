//! Latencies from the intended start, by command, and the lateness of the generator itself.

use hdrhistogram::Histogram;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest latency distinguished, microseconds.
const LONGEST_MICROS: u64 = 120_000_000;
/// Significant digits.
const DIGITS: u8 = 3;

/// A histogram of microseconds.
#[derive(Debug, Clone)]
pub struct LatencyHistogram(Option<Histogram<u64>>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).ok())
    }
}

impl LatencyHistogram {
    /// Records one duration.
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(micros.max(1));
        }
    }

    /// The number of recorded durations.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The quantile in thousandths.
    pub fn at(&self, per_mille: u32) -> Duration {
        let Some(histogram) = &self.0 else { return Duration::ZERO };
        let percentile = Duration::from_millis(u64::from(per_mille) * 100).as_secs_f64();
        Duration::from_micros(histogram.value_at_percentile(percentile))
    }

    /// The longest recorded duration.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.as_ref().map_or(0, Histogram::max))
    }
}

/// The commands of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The client places the order.
    Place,
    /// The partner accepts it.
    Accept,
    /// The client departs.
    Depart,
    /// The client arrives.
    Arrive,
    /// The partner admits the car.
    Admit,
    /// The partner completes the order.
    Complete,
}

impl Command {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Accept => "accept",
            Self::Depart => "depart",
            Self::Arrive => "arrive",
            Self::Admit => "admit",
            Self::Complete => "complete",
        }
    }
}

/// All commands, in the order of an order's life.
pub const COMMANDS: [Command; 6] = [
    Command::Place,
    Command::Accept,
    Command::Depart,
    Command::Arrive,
    Command::Admit,
    Command::Complete,
];

/// The outcome of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Success.
    Yes,
    /// Refused.
    No,
    /// No response, or one outside the contract.
    Broken,
}

/// The measurements of commands.
#[derive(Debug, Default, Clone)]
pub struct CommandTally {
    /// From the intended start to the complete response, all commands.
    pub all: LatencyHistogram,
    /// The same, in the order of [`COMMANDS`].
    pub by_command: [LatencyHistogram; 6],
    /// From the intended start until the generator sent it.
    pub generator: LatencyHistogram,
    /// Successful commands.
    pub yes: u64,
    /// Refused commands.
    pub no: u64,
    /// Commands without a valid response.
    pub broken: u64,
}

/// A tally shared between tasks.
#[derive(Debug, Default)]
pub struct Records(Mutex<CommandTally>);

impl Records {
    /// Records one command.
    pub fn record(&self, command: Command, outcome: Outcome, waited: Duration, took: Duration) {
        let mut tally = self.held();
        match outcome {
            Outcome::Yes => tally.yes += 1,
            Outcome::No => tally.no += 1,
            Outcome::Broken => tally.broken += 1,
        }
        tally.generator.record(waited);
        tally.all.record(took);
        let place = COMMANDS.iter().position(|known| *known == command);
        if let Some(spread) = place.and_then(|place| tally.by_command.get_mut(place)) {
            spread.record(took);
        }
    }

    /// The tally so far.
    pub fn tally(&self) -> CommandTally {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, CommandTally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
