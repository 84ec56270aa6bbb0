//! The feed over a socket and by long poll.

mod access;
mod catching_up;
mod doors;
mod endings;
mod epochs;
pub mod feed_socket;
mod frames;
mod hearing;
mod slow;
