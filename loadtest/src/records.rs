//! What was measured: latencies from the intended start, by command, and how late the generator
//! itself was.

use hdrhistogram::Histogram;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest latency told apart, microseconds.
const LONGEST_MICROS: u64 = 120_000_000;
/// Significant digits.
const DIGITS: u8 = 3;

/// A histogram of microseconds.
#[derive(Debug, Clone)]
pub struct Spread(Option<Histogram<u64>>);

impl Default for Spread {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).ok())
    }
}

impl Spread {
    /// Counts one.
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(micros.max(1));
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The time within which so many in a thousand stayed.
    pub fn at(&self, per_mille: u32) -> Duration {
        let Some(histogram) = &self.0 else { return Duration::ZERO };
        let percentile = Duration::from_millis(u64::from(per_mille) * 100).as_secs_f64();
        Duration::from_micros(histogram.value_at_percentile(percentile))
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.as_ref().map_or(0, Histogram::max))
    }
}

/// The commands of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The client orders.
    Place,
    /// The partner takes it.
    Accept,
    /// The client leaves.
    Depart,
    /// The client is there.
    Arrive,
    /// The partner takes the car in.
    Admit,
    /// The car is done.
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

/// All of them, in the order of a life.
pub const COMMANDS: [Command; 6] = [
    Command::Place,
    Command::Accept,
    Command::Depart,
    Command::Arrive,
    Command::Admit,
    Command::Complete,
];

/// How one command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Yes,
    /// Refused.
    No,
    /// Broken: no answer, or one that is not in the contract.
    Broken,
}

/// Everything measured about commands.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// From the intended start to the whole answer, all commands.
    pub all: Spread,
    /// The same, in the order of [`COMMANDS`].
    pub by_command: [Spread; 6],
    /// From the intended start to the moment the generator sent it.
    pub generator: Spread,
    /// Commands done.
    pub yes: u64,
    /// Commands refused.
    pub no: u64,
    /// Commands broken.
    pub broken: u64,
}

/// A tally many hands write into.
#[derive(Debug, Default)]
pub struct Records(Mutex<Tally>);

impl Records {
    /// Counts one command.
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
    pub fn tally(&self) -> Tally {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
