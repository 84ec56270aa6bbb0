//! The parts that do not depend on the product: the engine, the clock, the database, feeds, timers,
//! the bus.
//!
//! A change is a [`command::Command`]. [`engine::Engine::execute`] runs it against a [`tx::Tx`],
//! which collects a [`write_set::WriteSet`]; [`flush`] commits that set whole or not at all, and
//! then subscribers are woken.

pub mod audit;
pub mod bus;
pub mod by;
pub mod clock;
pub mod clocks;
pub mod codes;
pub mod command;
mod commit;
pub mod crypto;
pub mod db;
pub mod db_error;
pub mod engine;
pub mod epoch;
pub mod epoch_marker;
mod erased;
pub mod failure;
pub mod feed;
pub mod flush;
pub mod heartbeat;
pub mod idempotency;
pub mod lent_connection;
pub mod lock_order;
pub mod node_lock;
pub mod outages;
pub mod outbox;
pub mod page;
pub mod pool;
pub mod private;
pub mod rate_limit;
pub mod readable;
pub mod refusal;
pub mod row_cache;
mod script;
pub mod serving;
pub mod shared;
pub mod snapshot;
pub mod sql;
pub mod sqlite_file;
pub mod storage;
pub mod telemetry;
pub mod timers;
pub mod turns;
pub mod tx;
mod wal;
pub mod write_set;
mod writer;

pub use by::By;
pub use clock::Clock;
pub use command::Command;
pub use engine::Done;
pub use entity::kinds::Audience;
pub use refusal::{CommandError, Fault, RefusalKind, Refused, all_right};
pub use snapshot::ReadSnapshot;
