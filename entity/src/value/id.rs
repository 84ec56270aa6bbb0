//! Ids: `UUIDv7`, one type for each kind of thing, so that ids of different kinds cannot be mixed
//! up.

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
    /// A recorded act of the operator's staff.
    ActId,
    /// A bay: a place where a car can be served.
    BayId,
    /// A bay block: a span in which staff closed a bay by hand.
    BlockId,
    /// A campaign.
    CampaignId,
    /// A client's car.
    CarId,
    /// An event: the same id on socket, poll, push and webhook (NOT-6).
    EventId,
    /// Money held for an order.
    HoldId,
    /// An invitation to work at a branch.
    InvitationId,
    /// A bonus lot.
    LotId,
    /// A strike for or against a client or a branch.
    MarkId,
    /// An order, quick or booked.
    OrderId,
    /// A business that owns branches.
    OrganisationId,
    /// An outage: a span in which the engine could not serve.
    OutageId,
    /// A partner: one branch with one address.
    PartnerId,
    /// A payable: what the operator owes a partner for an order.
    PayableId,
    /// A payment through a payment provider.
    PaymentId,
    /// A payout to a partner.
    PayoutId,
    /// A penalty.
    PenaltyId,
    /// A person: whoever signs in with a phone.
    PersonId,
    /// A ledger posting.
    PostingId,
    /// A proposal of one side of an order to the other.
    ProposalId,
    /// A sanction.
    SanctionId,
    /// A service of a partner.
    ServiceId,
    /// A session: a signed-in device.
    SessionId,
    /// A stray payment: one a provider reports and this engine does not know.
    StrayId,
    /// A waived penalty.
    WaiverId,
}
