//! Timers, the heartbeat that notices outages, and whether this node may decide now.

pub mod clocks;
pub mod heartbeat;
pub mod node_lock;
pub mod outages;
pub mod serving;
pub mod timers;
