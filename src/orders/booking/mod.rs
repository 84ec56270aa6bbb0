//! Bookings: the slot of a start, and the calendar of a branch.

pub mod agenda;
pub mod calendar;
pub mod slot;
