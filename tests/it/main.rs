//! Integration tests over the wire: people with phones act over HTTP and sockets, the test controls
//! the clock, and every world checks its books when it closes.
//!
//! Each test runs twice, on `SQLite` with the local bus and on PostgreSQL with Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a test that cannot go on has failed; degrees are floats"
)]

#[macro_use]
mod support;

mod access;
mod bonus;
mod bookings;
mod description;
mod machine;
mod placing;
mod protocol;
mod realtime;
mod scenarios;
mod schedule;
mod wire;
