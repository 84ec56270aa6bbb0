//! Fault tests: processes that are killed, commands that race, deadlines that fall at the same
//! instant. They run the real binary, over the wire, on both backends.
//!
//! PostgreSQL and Redis must run: `scripts/test` starts them. Their absence fails the run.
//! `YUMO_TEST_SEED` repeats a run's random choices; the seed is printed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::wildcard_enum_match_arm,
    clippy::similar_names,
    reason = "a test stops at what it did not foresee"
)]

mod away;
mod backups;
mod booking;
mod city;
mod contract;
mod crowding;
mod deadlines;
mod delay;
mod disk;
mod feed;
mod ground;
mod kills;
mod life;
mod link;
mod load;
mod modes;
mod nodes;
mod outage;
mod outbox;
mod pitr;
mod races;
mod rates;
mod readers;
mod readonly;
mod resets;
mod server;
mod sockets;
mod starving;
mod storm;
mod truth;
mod wait;
mod walkthrough;
mod wallet;
mod wire;
