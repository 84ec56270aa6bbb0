//! What is set aside for an order: the commission of the partner, the bonus of the client.

pub mod allocations;
pub(super) mod facts;
pub mod funds;
pub mod reserve;
pub(super) mod velocity;
