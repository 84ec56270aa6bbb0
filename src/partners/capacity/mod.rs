//! What a branch can serve and when: bays, blocks, free starts (BK-1, BK-2, BK-13).

pub mod availability;
pub mod bays;
pub mod blocks;
pub mod calendar_feed;
pub mod plan;
pub mod slots;
