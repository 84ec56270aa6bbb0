//! What a request may look like: input that makes no sense, commands that come twice.

mod bad_input;
mod bad_orders;
mod rates;
pub mod raw;
mod repeats;
pub mod rows;
mod slow_bodies;
