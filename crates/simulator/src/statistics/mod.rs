//! What is counted and measured while the simulation runs.

mod census;
mod clock_sync;
mod duration_histogram;
mod observed;

pub(crate) use census::one;
pub use census::{Census, Counters, Figures, Moment, Phase};
pub use clock_sync::ClockSync;
pub use duration_histogram::DurationHistogram;
pub(crate) use observed::Observed;
