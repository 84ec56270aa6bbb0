//! The feed over a socket and by long poll.

mod access;
mod catching_up;
mod doors;
mod endings;
mod epochs;
mod frames;
mod hearing;
pub mod line;
mod slow;
