//! Ids: `UUIDv7`, one type for each kind of thing, so that an order's id never passes for a car's.

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            DeriveValueType, ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: ordered by time, unique everywhere.
            #[must_use]
            #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

id! {
    /// A recorded act of support.
    ActId,
    /// A place where a car can be served.
    BayId,
    /// A time in which a bay is closed by hand.
    BlockId,
    /// A campaign.
    CampaignId,
    /// A client's car.
    CarId,
    /// A telling: the same on socket, poll, push and webhook (NOT-6).
    EventId,
    /// Money held for an order.
    HoldId,
    /// An invitation to work at a branch.
    InvitationId,
    /// A bonus lot.
    LotId,
    /// A mark for or against somebody.
    MarkId,
    /// An order, quick or booked.
    OrderId,
    /// A business that owns branches.
    OrganisationId,
    /// A time in which the engine could not serve.
    OutageId,
    /// A partner: one branch with one address.
    PartnerId,
    /// What the operator owes a partner for an order.
    PayableId,
    /// Money that comes in through a payment provider.
    PaymentId,
    /// Money on its way to a partner.
    PayoutId,
    /// A penalty.
    PenaltyId,
    /// A person: whoever signs in with a phone.
    PersonId,
    /// A ledger posting.
    PostingId,
    /// What one side of an order proposes to the other.
    ProposalId,
    /// A sanction.
    SanctionId,
    /// A service of a partner.
    ServiceId,
    /// A signed-in device.
    SessionId,
    /// A payment a provider has and this engine does not know.
    StrayId,
    /// A penalty undone.
    WaiverId,
}
