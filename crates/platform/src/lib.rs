//! The parts that do not depend on the product: the engine, the clock, the database, feeds, timers,
//! the bus.
//!
//! A change is a [`command::Command`]. [`engine::Engine::execute`] runs it against a [`tx::Tx`],
//! which collects a [`write_set::WriteSet`]; [`flush`] commits that set whole or not at all, and
//! then subscribers are woken.

pub mod bus;
pub mod clock;
pub mod codes;
pub mod crypto;
pub mod db;
pub mod engine;
pub mod failure;
pub mod feed;
pub mod outbox;
pub mod page;
pub mod private;
pub mod rate_limit;
pub mod refusal;
pub mod scheduler;
pub mod telemetry;

pub use clock::Clock;
pub use db::snapshot::ReadSnapshot;
pub use engine::Done;
pub use engine::by::By;
pub use engine::command::Command;
pub use entity::kinds::Audience;
pub use refusal::{CommandError, Fault, RefusalKind, Refused, all_right};
