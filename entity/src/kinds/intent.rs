//! Intents: what an actor wants to do to an order.

use sea_orm::Value;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::Kind;

/// An intent: what an actor wants to do to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumString, Display, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Intent {
    /// A client places an order with a partner.
    Place,
    /// The partner accepts.
    Accept,
    /// The scheduler accepts for the partner (BK-4).
    AutoConfirm,
    /// The partner declines.
    Decline,
    /// An offer ends unanswered.
    Lapse,
    /// The client sets out ("В путь").
    Depart,
    /// The client has arrived.
    Arrive,
    /// The partner gives more time.
    Extend,
    /// The client's time is over (QO-5).
    Overdue,
    /// The partner admits the car.
    Admit,
    /// Either side cancels.
    Cancel,
    /// The client did not come.
    NoShow,
    /// A booking burns: its client did not set out, or did not arrive, in time (BK-5, BK-6).
    Burn,
    /// The client proposes more services (ADD-1).
    ProposeAddOn,
    /// The partner agrees to an add-on.
    AcceptAddOn,
    /// An add-on is declined, or withdrawn.
    DeclineAddOn,
    /// One side proposes another start (BK-8).
    ProposeReschedule,
    /// The other side agrees to a move.
    AcceptReschedule,
    /// A move is declined, or withdrawn.
    DeclineReschedule,
    /// A proposal ends unanswered.
    LapseProposal,
    /// Support is alerted that an arrived client is not admitted (ARR-2).
    Alert,
    /// An arrived client was not admitted (ARR-2).
    NotAdmitted,
    /// The partner reports that an arrived client is not there (ARR-2).
    NotHere,
    /// Support did not decide in time (ARR-2).
    ReleaseFrozen,
    /// The client contests the admission (ORD-10).
    Contest,
    /// The client leaves: the class of the car was corrected at the admission (ORD-10).
    Leave,
    /// The car occupies its bay for longer than planned (BK-10).
    Overrun,
    /// Services or amount change during the visit (ADD-2), or by support (ADD-3).
    ChangeServices,
    /// The client reserves bonus to pay with (BON-5).
    PayWithBonus,
    /// The partner completes the order.
    Complete,
    /// The scheduler completes an order the partner did not.
    AutoComplete,
    /// The client confirms an amount below the total it agreed to (ORD-11).
    ConfirmAmount,
    /// The client contests a final amount far off the agreed one (ORD-11).
    ContestAmount,
    /// The partner was blocked (SAN-4).
    #[strum(serialize = "shut_out")]
    CloseForBlock,
    /// Support ends it.
    ForceCancel,
    /// Support completes it as served.
    ForceComplete,
    /// Support corrects an ended order.
    Amend,
    /// A deadline that fell into an outage of ours moves (OUT-1).
    Shift,
}

impl Kind for Intent {}

impl From<Intent> for Value {
    fn from(intent: Intent) -> Self {
        Self::from(<&'static str>::from(intent))
    }
}
