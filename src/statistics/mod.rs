//! Statistics: how often what happened, by day and kind.

pub mod count;
pub mod events;
