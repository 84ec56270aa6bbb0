//! The simulator: clients, partners and support agents of a seeded Baku, who hold their own tokens
//! and act only over HTTP and WebSocket, through the crate `client`.
//!
//! It does not know the engine's code. [`Simulation::set_up`] ensures
//! that its world exists (support agent, partners, services, bays, hours, credit, payout terms) and
//! may be called again over the same database; [`Simulation::run`] runs its people until the stop
//! signal. Their actions and the results are counted in one shared [`Census`].
//!
//! Decisions are drawn from a seed (`chance`), waits are divided by the speed of simulated time
//! ([`client::Pace`]), and every wait is bounded.

mod chance;
mod city;
mod people;
mod simulation;
mod statistics;

pub use chance::Dice;
pub use city::{Bays, Branch, CLASSES, Listed, Priced, Qepik, Resident, resident};
pub use people::{Person, Shared, baku_date, read_proof, settle};
pub use simulation::{Config, Login, Simulation};
pub use statistics::{Census, ClockSync, Counters, DurationHistogram, Figures, Moment, Phase};
