//! What any product would need: the one door for changes, the clock, the database, feeds, timers,
//! the bus.
//!
//! A change is a [`command::Command`]. [`engine::Engine::execute`] runs it against a [`tx::Tx`],
//! which collects a [`write_set::WriteSet`]; [`flush`] lands that set whole or not at all, and then
//! followers are woken.

pub mod bus;
pub mod clock;
pub mod codes;
pub mod command;
pub mod crypto;
pub mod db;
pub mod engine;
pub mod feed;
pub mod flush;
pub mod heartbeat;
pub mod idempotency;
pub mod kept;
pub mod lock_order;
pub mod page;
pub mod rate_limit;
pub mod refusal;
pub mod sql;
pub mod telemetry;
pub mod timers;
pub mod tx;
pub mod write_set;

pub use clock::Clock;
pub use command::{By, Command};
pub use engine::{Done, Engine};
pub use feed::Audience;
pub use refusal::{Fault, Kind, Refused, Stop};
pub use tx::Tx;
