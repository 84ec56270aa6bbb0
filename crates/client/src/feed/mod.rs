//! Feeds: one follower over WebSocket, with the long poll where no socket can be opened.

mod follower;
mod frame;
mod poll;
mod position;
mod socket;

#[cfg(test)]
mod tests;

pub use follower::{Audience, Follower, FollowerEvent, ReceivedEvent, Start};
pub use frame::Frame;
pub use poll::{EventPage, ack, poll, snapshot};
pub use position::{Gap, Position};
pub use socket::{Credentials, Incoming, NotOpened, Socket};
