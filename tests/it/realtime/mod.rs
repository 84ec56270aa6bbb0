//! The feed over a socket and over its twin by HTTP.

mod access;
mod catching_up;
mod doors;
mod endings;
mod epochs;
mod frames;
mod hearing;
pub mod line;
mod slow;
