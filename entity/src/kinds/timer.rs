//! Timers: what the engine waits for. The kind of a timer determines the command that the scheduler
//! sends.

use sea_orm::Value;

use super::Kind;

/// The kind of a timer.
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
pub enum TimerKind {
    /// The deadline of an offer (QO-2).
    #[strum(serialize = "order.offer_deadline")]
    OfferDeadline,
    /// The deadline of the client's arrival (QO-4).
    #[strum(serialize = "order.arrival_deadline")]
    ArrivalDeadline,
    /// The deadline of the partner's decision about a late client (QO-5).
    #[strum(serialize = "order.late_decision")]
    LateDecision,
    /// Alerts support that an arrived client is not admitted (ARR-2).
    #[strum(serialize = "order.admit_alert")]
    AdmitAlert,
    /// Ends an order whose client is not admitted (ARR-2).
    #[strum(serialize = "order.admit_deadline")]
    AdmitDeadline,
    /// The end of a freeze (ARR-2).
    #[strum(serialize = "order.frozen")]
    FreezeEnd,
    /// Confirms a booking automatically (BK-4).
    #[strum(serialize = "order.auto_confirm")]
    AutoConfirm,
    /// Burns a booking (BK-5, BK-6).
    #[strum(serialize = "order.burn")]
    Burn,
    /// The deadline of a proposal (ADD-1, BK-8).
    #[strum(serialize = "order.proposal_deadline")]
    ProposalDeadline,
    /// Accepts a proposal automatically (ADD-1, BK-8).
    #[strum(serialize = "order.auto_agree")]
    AutoAgree,
    /// Reminds a day before a booking (NOT-1).
    #[strum(serialize = "order.remind_day")]
    RemindDay,
    /// Reminds shortly before a booking (NOT-1).
    #[strum(serialize = "order.remind_soon")]
    RemindSoon,
    /// Reminds to leave now (NOT-1).
    #[strum(serialize = "order.remind_leave")]
    RemindLeave,
    /// Checks that a booking's bay is free when it begins (BK-10).
    #[strum(serialize = "order.bay_check")]
    BayCheck,
    /// The end of an admitted car's hold of its bay (BK-10).
    #[strum(serialize = "order.overrun")]
    Overrun,
    /// Cancels an order of a blocked partner (SAN-4).
    #[strum(serialize = "order.shut_out")]
    CloseForBlock,
    /// Completes an order its partner did not.
    #[strum(serialize = "order.auto_complete")]
    AutoComplete,
    /// Applies a block to the orders of its branch (SAN-4).
    #[strum(serialize = "sanction.shut_out")]
    CloseAllForBlock,
    /// Counts a client's strikes (SAN-1).
    #[strum(serialize = "sanction.judge_client")]
    JudgeClient,
    /// Counts a branch's strikes (SAN-2).
    #[strum(serialize = "sanction.judge_partner")]
    JudgePartner,
    /// Ends a sanction whose time is over (SAN-4).
    #[strum(serialize = "sanction.ends")]
    SanctionEnd,
    /// Expires the head of a bonus queue (BON-1).
    #[strum(serialize = "bonus.turn")]
    ExpireBonus,
    /// Notifies the owner that the head of a bonus queue expires soon (BON-7).
    #[strum(serialize = "bonus.warn")]
    WarnBonus,
    /// Poll the provider for the payment's status.
    #[strum(serialize = "payment.look")]
    PollPayment,
    /// Request a refund from the provider.
    #[strum(serialize = "payment.refund")]
    RefundPayment,
    /// Reconcile a payment with its provider.
    #[strum(serialize = "payment.reconcile")]
    ReconcilePayment,
    /// Query a stray payment again.
    #[strum(serialize = "payment.stray")]
    CheckStray,
    /// Settle a payable by the partner's terms.
    #[strum(serialize = "payable.settle")]
    SettlePayable,
    /// Collect a partner's due payables.
    #[strum(serialize = "payout.run")]
    RunPayouts,
    /// Send a payout to its provider, or query its status.
    #[strum(serialize = "payout.send")]
    SendPayout,
}

/// What a timer is about: its row names the subject's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerSubject {
    /// An order.
    Order,
    /// A client.
    Client,
    /// A branch.
    Branch,
    /// A sanction.
    Sanction,
    /// The owner of a bonus queue: a client or a branch.
    BonusOwner,
    /// A payment.
    Payment,
    /// A stray payment.
    Stray,
    /// A payable.
    Payable,
    /// A payout.
    Payout,
}

impl TimerKind {
    /// What it is about.
    #[must_use]
    pub const fn subject(self) -> TimerSubject {
        match self {
            Self::OfferDeadline
            | Self::ArrivalDeadline
            | Self::LateDecision
            | Self::AdmitAlert
            | Self::AdmitDeadline
            | Self::FreezeEnd
            | Self::AutoConfirm
            | Self::Burn
            | Self::ProposalDeadline
            | Self::AutoAgree
            | Self::RemindDay
            | Self::RemindSoon
            | Self::RemindLeave
            | Self::BayCheck
            | Self::Overrun
            | Self::CloseForBlock
            | Self::AutoComplete => TimerSubject::Order,
            Self::CloseAllForBlock | Self::JudgePartner | Self::RunPayouts => TimerSubject::Branch,
            Self::JudgeClient => TimerSubject::Client,
            Self::SanctionEnd => TimerSubject::Sanction,
            Self::ExpireBonus | Self::WarnBonus => TimerSubject::BonusOwner,
            Self::PollPayment | Self::RefundPayment | Self::ReconcilePayment => {
                TimerSubject::Payment
            }
            Self::CheckStray => TimerSubject::Stray,
            Self::SettlePayable => TimerSubject::Payable,
            Self::SendPayout => TimerSubject::Payout,
        }
    }
}

impl Kind for TimerKind {}

impl From<TimerKind> for Value {
    fn from(kind: TimerKind) -> Self {
        Self::from(<&'static str>::from(kind))
    }
}
