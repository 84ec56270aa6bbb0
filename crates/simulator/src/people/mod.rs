//! The people: clients, the staff of branches, support.

mod agenda;
mod board;
mod cards;
mod client;
mod person;
mod staff;
mod support;

pub(crate) use self::client::{CODE, live, quarters_after};
pub use self::client::{baku_date, settle};
pub(crate) use board::Board;
pub use person::{Person, Shared};
pub(crate) use staff::Desk;
pub use support::read_proof;
pub(crate) use support::{Call, Calls, Hotline};
