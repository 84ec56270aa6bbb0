//! Proposals of one side that the other answers: add-ons and moves (ADD-1, BK-8).

pub mod add_on;
pub mod agree;
pub mod auto;
pub mod limits;
pub mod proposal;
pub mod reschedule;
