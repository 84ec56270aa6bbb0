//! The wire format: invalid input, repeated commands, rate limits.

mod bad_input;
mod bad_orders;
mod rates;
pub mod raw;
mod repeats;
pub mod rows;
mod slow_bodies;
