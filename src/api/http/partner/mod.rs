//! What a branch asks for: its settings, staff, calendar, hours and orders.

pub mod branch;
pub mod calendar;
pub mod hours;
pub mod orders;
pub mod staff;
