//! When a branch is open (BK-1, BK-12): weekly hours, special days, pauses.

pub mod closing;
pub mod conflicts;
pub mod hours;
pub mod night;
pub mod special_days;
