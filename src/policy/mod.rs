//! Policy: every number of the rulebook, versioned. An order keeps the version it was placed under
//! (ORD-7).

pub mod book;
pub mod keys;

pub use book::{Book, PolicyVersion};
pub use keys::Policy;
