//! Commands: a change is a small struct that runs against a [`Tx`].

use std::future::Future;
use std::net::IpAddr;

use entity::order::Actor;
use entity::value::{PersonId, SessionId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::refusal::CommandError;
use super::tx::Tx;

/// A change that may be requested; it may run more than once, and only the last run commits. `X` is
/// the context that the product shares with its commands.
pub trait Command<X>: Send + Sync + 'static {
    /// What the sender gets; stored under the command's idempotency key, so personal data in it is
    /// sealed.
    type Answer: Serialize + DeserializeOwned + Send + 'static;

    /// Its name in traces and metrics.
    const NAME: &'static str;

    /// Is it part of the recovery from an outage? All other commands wait until the recovery is
    /// over.
    const RECOVERS: bool = false;

    /// Loads, decides, and puts the change into the write set.
    fn run(
        &self,
        tx: &mut Tx<X>,
    ) -> impl Future<Output = Result<Self::Answer, CommandError>> + Send;
}

/// Who acts: role, person, device, address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// In which role.
    pub actor: Actor,
    /// Which person; `None` for the scheduler.
    pub person_id: Option<PersonId>,
    /// From which device.
    pub session_id: Option<SessionId>,
    /// From which network address, where that is known.
    pub address: Option<IpAddr>,
}

impl By {
    /// The scheduler, which runs the commands of timers.
    pub const CLOCK: Self =
        Self { actor: Actor::Clock, person_id: None, session_id: None, address: None };

    /// A signed-in person in a role.
    #[must_use]
    pub fn person(actor: Actor, person_id: PersonId, session_id: SessionId) -> Self {
        let (person_id, session_id) = (Some(person_id), Some(session_id));
        Self { actor, person_id, session_id, address: None }
    }
}
