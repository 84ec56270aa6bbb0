//! Value types of columns and of fields in the API.

pub mod actor;
pub mod car_class;
pub mod fold;
pub mod id;
pub mod lang;
pub mod money;
pub mod phone;
pub mod point;
pub mod rate;
pub mod sealed;
pub mod span;

pub use actor::Actor;
pub use car_class::CarClass;
pub use id::{
    ActId, BayId, BlockId, CampaignId, CarId, EventId, HoldId, InvitationId, LotId, MarkId,
    OrderId, OrganisationId, OutageId, PartnerId, PayableId, PaymentId, PayoutId, PenaltyId,
    PersonId, PostingId, ProposalId, SanctionId, ServiceId, SessionId, StrayId, WaiverId,
};
pub use lang::Lang;
pub use money::Money;
pub use phone::Phone;
pub use point::Point;
pub use rate::Bp;
pub use sealed::{Sealed, SealedColumn, SealedField};
pub use span::Span;

/// A moment in UTC, cut to microseconds so that both databases keep the same one.
pub type Instant = chrono::DateTime<chrono::Utc>;
