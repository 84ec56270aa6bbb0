//! Audiences: whose feed an event goes into (NOT-6).

use super::{PartnerId, PersonId};

/// The audience of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// One client.
    Client(PersonId),
    /// The people of one branch.
    Branch(PartnerId),
    /// One of support's queues.
    Support(SupportQueue),
}

/// A queue of support: what its people are told, by the part of the product it is about. Each has
/// its own numbers, so that no counter is locked by everything that concerns support.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum SupportQueue {
    /// Orders that need a decision.
    Orders,
    /// Payments, payouts, payables and penalties.
    Money,
    /// Sanctions of clients and partners.
    Sanctions,
    /// Versions of the policy.
    Policy,
}

impl std::fmt::Display for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Branch(id) => write!(f, "branch:{id}"),
            Self::Support(queue) => write!(f, "support:{queue}"),
        }
    }
}
