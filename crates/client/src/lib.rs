//! The Rust client of the API: requests, sessions with tokens, typed refusals and feeds.
//!
//! A [`Node`] sends one [`Request`] and returns the whole [`Response`], whatever its status. A
//! [`Session`] is a signed-in device: it holds the tokens and repeats a request under the same
//! idempotency key after a connection error, a `Retry-After` or an expired token. A [`Follower`]
//! receives a feed in order, without a gap and without a duplicate, over any number of connections.
//!
//! It depends on `docs/protocol.md` only, not on the engine's code. It speaks plain HTTP/1.1
//! without TLS, to a node or to the proxy in front of it. Every wait and every number of attempts
//! is bounded.

pub mod feed;
mod http;
mod model;
mod observer;
mod session;

#[cfg(test)]
mod scripted;

pub use feed::{
    Audience, Credentials, Follower, FollowerEvent, Frame, Incoming, NotOpened, ReceivedEvent,
    Socket, Start,
};
pub use http::{ApiError, Method, Node, Problem, Request, Response};
pub use model::{
    Action, Car, Data, Event, HeldBay, Kind, Money, Order, Page, Partner, PartnerFound, Penalty,
    Point, Proposal, Service, Slot, Slots, Snapshot, Status,
};
pub use observer::{Observation, Observer};
pub use session::{
    Codes, Context, Grant, Mailbox, Pace, Session, StopSignal, open_session, request_code,
    stop_pair, wall_now,
};
