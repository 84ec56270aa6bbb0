//! Who acts: the role, person, device and address behind a command.

use std::net::IpAddr;

use entity::value::{Actor, PersonId, SessionId};

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
