//! Audiences: whose feed an event goes to.

use std::fmt;
use std::str::FromStr;

use super::UnknownKind;
use crate::value::{PartnerId, PersonId};

/// Whose feed an event may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum AudienceKind {
    /// One client.
    Client,
    /// The people of one branch.
    Branch,
    /// A queue of support.
    Support,
}

/// The audience of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// One client.
    Client(PersonId),
    /// The people of one branch.
    Branch(PartnerId),
    /// One queue of support.
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

impl Audience {
    /// Its kind.
    #[must_use]
    pub const fn kind(self) -> AudienceKind {
        match self {
            Self::Client(_) => AudienceKind::Client,
            Self::Branch(_) => AudienceKind::Branch,
            Self::Support(_) => AudienceKind::Support,
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Branch(id) => write!(f, "branch:{id}"),
            Self::Support(queue) => write!(f, "support:{queue}"),
        }
    }
}

impl FromStr for Audience {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let audience = match name.split_once(':') {
            Some(("support", queue)) => queue.parse().ok().map(Self::Support),
            Some(("client", id)) => id.parse().ok().map(Self::Client),
            Some(("branch", id)) => id.parse().ok().map(Self::Branch),
            Some(_) | None => None,
        };
        audience.ok_or_else(|| UnknownKind(name.to_owned()))
    }
}
