//! Postings: why money moves between two accounts of the ledger.

use sea_orm::Value;

use super::Kind;

/// The kind of a posting.
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
pub enum PostingKind {
    /// Support credited a balance with money received outside the app.
    Credit,
    /// Support credited a balance with the operator's own money.
    Goodwill,
    /// The commission of an order.
    Commission,
    /// A correction of an order's commission.
    CommissionAmended,
    /// The part of a commission that was paid with bonus.
    CommissionBonus,
    /// A correction of the part of a commission that was paid with bonus.
    CommissionBonusAmended,
    /// A client paid an order with bonus.
    PaidWithBonus,
    /// A lot was granted.
    BonusGranted,
    /// A lot was granted out of what the operator owed a partner.
    BonusFromOwed,
    /// A released part of a lot became a lot of its own.
    BonusReturned,
    /// A released part of a lot had expired.
    BonusBurned,
    /// A lot expired.
    BonusExpired,
    /// A lot was revoked.
    BonusRevoked,
    /// The partner's share of a penalty.
    PenaltyShare,
    /// The operator's share of a penalty.
    PenaltyFee,
    /// The partner's share of a penalty, returned.
    PenaltyShareBack,
    /// The operator's share of a penalty, returned.
    PenaltyFeeBack,
    /// A top-up was received.
    TopUp,
    /// The refund of a top-up began.
    TopUpRefund,
    /// The refund of a top-up was made.
    TopUpRefunded,
    /// The refund of a top-up was cancelled.
    TopUpKept,
    /// A top-up was charged back.
    TopUpChargeBack,
    /// The payment of a penalty was received.
    Payment,
    /// The refund of a penalty's payment began.
    PaymentRefund,
    /// The refund of a penalty's payment was made.
    PaymentRefunded,
    /// The refund of a penalty's payment was cancelled.
    PaymentKept,
    /// The payment of a penalty was charged back.
    PaymentChargeBack,
    /// A payable was settled to the balance.
    PayableBalance,
    /// A payable was settled as bonus.
    PayableBonus,
    /// Support decided that a payable is not owed.
    PayableRefused,
    /// Payables were collected into a payout.
    Payout,
    /// A payout arrived.
    PayoutPaid,
    /// A payout came back: its payables are owed again.
    PayoutFailed,
}

/// What a posting is about: its row names the subject's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingSubject {
    /// An order.
    Order,
    /// A bonus lot.
    Lot,
    /// A penalty.
    Penalty,
    /// A payment or a payout, or a credit by hand in place of one.
    Payment,
    /// A payable.
    Payable,
    /// An act of support.
    Act,
}

impl PostingKind {
    /// What it is about.
    #[must_use]
    pub const fn subject(self) -> PostingSubject {
        match self {
            Self::Credit
            | Self::TopUp
            | Self::TopUpRefund
            | Self::TopUpRefunded
            | Self::TopUpKept
            | Self::TopUpChargeBack
            | Self::Payment
            | Self::PaymentRefund
            | Self::PaymentRefunded
            | Self::PaymentKept
            | Self::PaymentChargeBack
            | Self::Payout
            | Self::PayoutPaid
            | Self::PayoutFailed => PostingSubject::Payment,
            Self::Goodwill => PostingSubject::Act,
            Self::Commission
            | Self::CommissionAmended
            | Self::CommissionBonus
            | Self::CommissionBonusAmended
            | Self::PaidWithBonus => PostingSubject::Order,
            Self::BonusGranted
            | Self::BonusFromOwed
            | Self::BonusReturned
            | Self::BonusBurned
            | Self::BonusExpired
            | Self::BonusRevoked => PostingSubject::Lot,
            Self::PenaltyShare
            | Self::PenaltyFee
            | Self::PenaltyShareBack
            | Self::PenaltyFeeBack => PostingSubject::Penalty,
            Self::PayableBalance | Self::PayableBonus | Self::PayableRefused => {
                PostingSubject::Payable
            }
        }
    }
}

impl Kind for PostingKind {}

impl From<PostingKind> for Value {
    fn from(kind: PostingKind) -> Self {
        Self::from(<&'static str>::from(kind))
    }
}
