//! Strikes: what counts for or against a client or a branch.

use sea_orm::Value;

use super::Kind;

/// The kind of a strike.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum StrikeKind {
    /// The client cancelled when a fee was due.
    ClientLateCancel,
    /// The client did not come to a quick order.
    ClientNoShow,
    /// A booking burned: its client did not set out, or did not arrive, in time.
    ClientBurned,
    /// The client withdrew a request before it was answered (LIM-1).
    ClientWithdrew,
    /// A request of the client ended without acceptance, after it had counted against other clients
    /// (LIM-2).
    ClientUnanswered,
    /// The partner cancelled.
    PartnerCancelled,
    /// The partner did not admit an arrived client in time.
    PartnerNotAdmitted,
    /// The client contested the admission (ORD-10).
    AdmissionContested,
    /// The partner declined an offer.
    Declined,
    /// The partner left an offer unanswered that had reached a device (ORD-6).
    Ignored,
    /// The client entered a wrong arrival code.
    CodeTry,
}

impl Kind for StrikeKind {}

impl From<StrikeKind> for Value {
    fn from(kind: StrikeKind) -> Self {
        Self::from(<&'static str>::from(kind))
    }
}
