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

#[path = "faults/away.rs"]
mod away;
#[path = "faults/backups.rs"]
mod backups;
#[path = "faults/booking.rs"]
mod booking;
#[path = "faults/city.rs"]
mod city;
#[path = "faults/contract.rs"]
mod contract;
#[path = "faults/crowding.rs"]
mod crowding;
#[path = "faults/deadlines.rs"]
mod deadlines;
#[path = "faults/delay.rs"]
mod delay;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/feed.rs"]
mod feed;
#[path = "faults/ground.rs"]
mod ground;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/life.rs"]
mod life;
#[path = "faults/link.rs"]
mod link;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/modes.rs"]
mod modes;
#[path = "faults/nodes.rs"]
mod nodes;
#[path = "faults/outage.rs"]
mod outage;
#[path = "faults/outbox.rs"]
mod outbox;
#[path = "faults/pitr.rs"]
mod pitr;
#[path = "faults/races.rs"]
mod races;
#[path = "faults/rates.rs"]
mod rates;
#[path = "faults/readers.rs"]
mod readers;
#[path = "faults/readonly.rs"]
mod readonly;
#[path = "faults/resets.rs"]
mod resets;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/sockets.rs"]
mod sockets;
#[path = "faults/starving.rs"]
mod starving;
#[path = "faults/storm.rs"]
mod storm;
#[path = "faults/truth.rs"]
mod truth;
#[path = "faults/wait.rs"]
mod wait;
#[path = "faults/walkthrough.rs"]
mod walkthrough;
#[path = "faults/wallet.rs"]
mod wallet;
#[path = "faults/wire.rs"]
mod wire;
