//! Bonus: lots in queues (BON).
//!
//! A bonus is a *lot*: an amount with a lifetime. An owner's lots form a queue; only the head's
//! lifetime runs. [`queue`] holds the rules, [`account`] loads an owner's queue for a command and
//! puts the changes into the write set. A hold reserves parts of lots and is not affected by their
//! expiry; released parts return to the front.
//!
//! ```text
//! queued ──head──▶ running ──all spent or held──▶ exhausted
//!    ▲  ◀──paused──┘  └── time over ──▶ expired · grant taken back ──▶ revoked
//!    └── granted · returned
//! ```

pub mod account;
pub mod campaign;
pub mod code;
mod code_text;
pub mod expiry;
pub mod grant;
pub mod queue;
pub mod read;
mod timers;

use entity::bonus_account::OwnerKind;
use entity::value::{PartnerId, PersonId};
use uuid::Uuid;

use platform::Audience;

/// The owner of bonus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A client.
    Client(PersonId),
    /// A partner's branch.
    Partner(PartnerId),
}

impl Owner {
    /// The owner of this kind and id.
    #[must_use]
    pub fn of(kind: OwnerKind, id: Uuid) -> Self {
        match kind {
            OwnerKind::Client => Self::Client(PersonId(id)),
            OwnerKind::Partner => Self::Partner(PartnerId(id)),
        }
    }

    /// The owner's id.
    #[must_use]
    pub fn id(self) -> Uuid {
        match self {
            Self::Client(id) => id.0,
            Self::Partner(id) => id.0,
        }
    }

    /// The kind's name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Partner(_) => "partner",
        }
    }

    /// The kind of owner.
    #[must_use]
    pub fn kind(self) -> OwnerKind {
        match self {
            Self::Client(_) => OwnerKind::Client,
            Self::Partner(_) => OwnerKind::Partner,
        }
    }

    /// The audience whose feed gets the events.
    #[must_use]
    pub fn audience(self) -> Audience {
        match self {
            Self::Client(id) => Audience::Client(id),
            Self::Partner(id) => Audience::Branch(id),
        }
    }
}

platform::refusals! {
    /// The refusals of bonus.
    Refusal {
        Insufficient = "bonus_insufficient", Conflict, "There is not so much bonus", "Use at most what is in `usable`.";
        Spent = "bonus_spent", Conflict, "The bonus was used", "What was spent or is held by an open order cannot be taken back.";
        GrantInvalid = "grant_invalid", Unprocessable, "The grant makes no sense", "An amount above zero and within the limits, a lifetime of 1 to 8760 hours, a reason of 1 to 500 characters.";
        NoSuchOwner = "no_such_owner", NotFound, "There is nobody to grant it to", "Name a client's or a branch's id.";
        CampaignInvalid = "campaign_invalid", Unprocessable, "The campaign makes no sense", "A name and a reason, an amount within its budget, a lifetime of 1 to 8760 hours, an end after its start and after now and within ten years, a code of 4 to 32 letters and digits.";
        NoSuchCampaign = "no_such_campaign", NotFound, "There is no such campaign", "Check the id, or the code, and whom it is for.";
        CampaignOver = "campaign_over", Conflict, "The campaign is not running", "See its start and its end.";
        CampaignSpent = "campaign_spent", Conflict, "Everything of the campaign was given away", "Wait for another one.";
        CodeTaken = "campaign_code_taken", Conflict, "Another campaign has this code", "Choose another code.";
        GrantedAlready = "granted_already", Conflict, "The campaign's bonus was granted already", "One person gets it once, and one device.";
        CodeGuessable = "campaign_code_guessable", Unprocessable, "A code somebody chose can be guessed", "Say that it is `public`, so that only its budget bounds it, or let the engine make a `random_code`.";
        DeviceRequired = "device_required", Conflict, "A code is entered on a device that is known", "Sign in again with `device_id`: each device gets a campaign's bonus once.";
        CodesRest = "codes_rest", TooMany, "Too many wrong codes were entered", "Wait `retry_after_s` seconds; they are counted by person and by network address.";
    }
}
