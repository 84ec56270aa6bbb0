//! The simulator: clients, partners and support agents of a seeded Baku, who hold their own tokens
//! and act only over HTTP and WebSocket.
//!
//! It depends on `docs/protocol.md` only, not on the engine's code. [`Simulation::set_up`] ensures
//! that its world exists (support agent, partners, services, bays, hours, credit, payout terms) and
//! may be called again over the same database; [`Simulation::run`] runs its people until the stop
//! signal. Their actions and the results are counted in one shared [`Census`].
//!
//! Decisions are drawn from a seed (`chance`), waits are divided by the speed of simulated time
//! (`pace`), and every wait is bounded.

mod agenda;
mod answer;
mod api_error;
mod ask;
mod booking;
mod branch_balance;
mod calendar;
mod cards;
mod catalogue;
mod census;
mod chance;
mod client;
mod clock_sync;
mod codes;
mod drive;
mod feed;
mod found;
mod geo;
mod money;
mod pace;
mod payout;
mod person;
mod places;
mod residents;
mod simulation;
mod slots;
mod socket;
mod spread;
mod staff;
mod support;
mod tokens;
mod views;
mod visit;
mod wire;

pub use api_error::{ApiError, Problem};
pub use ask::Ask;
pub use catalogue::CLASSES;
pub use census::{Census, Counters, Figures, Moment, Phase};
pub use chance::Dice;
pub use client::settle;
pub use clock_sync::ClockSync;
pub use codes::{Codes, Mailbox};
pub use feed::{Audience, Follower, FollowerEvent, Heard, Start};
pub use found::{Bays, Branch, Listed, Priced, Qepik};
pub use geo::Point;
pub use pace::{Pace, StopSignal, stop_pair, wall_now};
pub use person::{Person, Shared};
pub use residents::{Resident, resident};
pub use simulation::{Config, Login, Simulation};
pub use slots::baku_date;
pub use socket::{Came, Shut, Socket};
pub use spread::DurationHistogram;
pub use support::read_proof;
pub use views::{Car, Event, Frame, Kind, Money, Order, Page, Slot, Slots, Status};
pub use wire::Wire;
