//! Events: what happened, told to the audiences it concerns.

use sea_orm::Value;

use super::{AudienceKind, Kind};

/// What an event is about; it is the first word of the event's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum EventTopic {
    /// An order.
    Order,
    /// A client's penalty.
    Penalty,
    /// A sanction.
    Sanction,
    /// A branch's calendar.
    Calendar,
    /// A branch.
    Branch,
    /// A branch's balance.
    Balance,
    /// Bonus of a client or of a branch.
    Bonus,
    /// A payment.
    Payment,
    /// A payout.
    Payout,
    /// A payable.
    Payable,
    /// What support has to know.
    Support,
}

macro_rules! events {
    ($(#[doc = $doc:literal] $kind:ident = $text:literal, $topic:ident to $($to:ident)+;)+) => {
        /// The kind of an event, in the past tense.
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
        pub enum EventKind {
            $(#[doc = $doc] #[strum(serialize = $text)] $kind,)+
        }

        impl EventKind {
            /// The audiences it may be emitted to.
            #[must_use]
            pub const fn audiences(self) -> &'static [AudienceKind] {
                match self {
                    $(Self::$kind => &[$(AudienceKind::$to),+],)+
                }
            }

            /// What it is about.
            #[must_use]
            pub const fn topic(self) -> EventTopic {
                match self {
                    $(Self::$kind => EventTopic::$topic,)+
                }
            }

            /// What happened, as the protocol's table says it.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$kind => $doc.trim(),)+
                }
            }
        }
    };
}

events! {
    /// A client placed an order; the partner has an offer.
    OrderRequested = "order.requested", Order to Client Branch;
    /// The partner, or its automatic confirmation, accepted.
    OrderConfirmed = "order.confirmed", Order to Client Branch;
    /// The partner declined.
    OrderDeclined = "order.declined", Order to Client Branch;
    /// The offer ended unanswered.
    OrderExpired = "order.expired", Order to Client Branch;
    /// The client set out.
    OrderDeparted = "order.departed", Order to Client Branch;
    /// The client arrived.
    OrderArrived = "order.arrived", Order to Client Branch;
    /// The estimate of the arrival changed; it raises no version.
    OrderEta = "order.eta", Order to Client Branch;
    /// The client is late.
    OrderOverdue = "order.overdue", Order to Client Branch;
    /// The partner gave more time.
    OrderExtended = "order.extended", Order to Client Branch;
    /// The partner admitted the car.
    OrderAdmitted = "order.admitted", Order to Client Branch;
    /// An arrived client is not admitted, and may leave free of charge.
    OrderAdmitLate = "order.admit_late", Order to Client Branch;
    /// The client contested the admission.
    OrderContested = "order.contested", Order to Client Branch;
    /// The client left, as the class of the car was corrected.
    OrderLeft = "order.left", Order to Client Branch;
    /// Services or amount changed.
    OrderServicesChanged = "order.services_changed", Order to Client Branch;
    /// The client reserved bonus to pay with.
    OrderBonusSetAside = "order.bonus_set_aside", Order to Client Branch;
    /// The order was completed.
    OrderCompleted = "order.completed", Order to Client Branch;
    /// The client confirmed an amount below the agreed total.
    OrderAmountConfirmed = "order.amount_confirmed", Order to Client Branch;
    /// The client contested the final amount.
    OrderAmountContested = "order.amount_contested", Order to Client Branch;
    /// The client, the partner or support cancelled.
    OrderCancelled = "order.cancelled", Order to Client Branch;
    /// The client did not come.
    OrderNoShow = "order.no_show", Order to Client Branch;
    /// A booking burned: its client did not set out, or did not arrive, in time.
    OrderBurned = "order.burned", Order to Client Branch;
    /// An arrived client was not admitted, and the order ended.
    OrderNotAdmitted = "order.not_admitted", Order to Client Branch;
    /// The partner reported that an arrived client is not there: support decides.
    OrderFrozen = "order.frozen", Order to Client Branch;
    /// Support did not decide in time.
    OrderUnfrozen = "order.unfrozen", Order to Client Branch;
    /// The branch was blocked, and the order ended.
    OrderPartnerBlocked = "order.partner_blocked", Order to Client Branch;
    /// Support corrected an ended order.
    OrderAmended = "order.amended", Order to Client Branch;
    /// Deadlines that fell into an outage of the engine moved.
    OrderDeadlineMoved = "order.deadline_moved", Order to Client Branch;
    /// More services were proposed.
    OrderAddOnProposed = "order.add_on_proposed", Order to Client Branch;
    /// More services were agreed.
    OrderAddOnAccepted = "order.add_on_accepted", Order to Client Branch;
    /// A proposal of more services was declined, or withdrawn.
    OrderAddOnDeclined = "order.add_on_declined", Order to Client Branch;
    /// A proposal of more services ended unanswered.
    OrderAddOnExpired = "order.add_on_expired", Order to Client Branch;
    /// Another start was proposed.
    OrderRescheduleProposed = "order.reschedule_proposed", Order to Client Branch;
    /// Another start was agreed.
    OrderRescheduled = "order.rescheduled", Order to Client Branch;
    /// A proposal of another start was declined, or withdrawn.
    OrderRescheduleDeclined = "order.reschedule_declined", Order to Client Branch;
    /// A proposal of another start ended unanswered.
    OrderRescheduleExpired = "order.reschedule_expired", Order to Client Branch;
    /// A booking begins soon, or it is time to leave; the order does not change.
    OrderReminder = "order.reminder", Order to Client;
    /// The car occupies its bay for longer than planned.
    OrderOverrun = "order.overrun", Order to Client Branch;
    /// The bay of an upcoming visit is still occupied; the order does not change.
    OrderBayOverrun = "order.bay_overrun", Order to Branch;
    /// The visit may begin later; the order does not change.
    OrderStartDelayed = "order.start_delayed", Order to Client;
    /// The client's first position is out of reach of the origin; it raises no version.
    OrderPositionDoubted = "order.position_doubted", Order to Branch;
    /// A penalty changed.
    PenaltyChanged = "penalty.changed", Penalty to Client;
    /// A sanction began, or lasts for longer.
    SanctionBegan = "sanction.began", Sanction to Client Branch;
    /// A sanction ended.
    SanctionEnded = "sanction.ended", Sanction to Client Branch;
    /// A bay was blocked or unblocked.
    CalendarChanged = "calendar.changed", Calendar to Branch;
    /// The branch paused, closed for the day or takes orders again.
    BranchChanged = "branch.changed", Branch to Branch;
    /// The balance changed.
    BalanceChanged = "balance.changed", Balance to Branch;
    /// The balance is low.
    BalanceLow = "balance.low", Balance to Branch;
    /// The balance is below the floor: the branch gets no orders.
    BalanceRestricted = "balance.restricted", Balance to Branch;
    /// The balance is above the floor again.
    BalanceUnrestricted = "balance.unrestricted", Balance to Branch;
    /// Bonus was granted.
    BonusGranted = "bonus.granted", Bonus to Client Branch;
    /// The time of a lot began.
    BonusStarted = "bonus.started", Bonus to Client Branch;
    /// A lot expires soon.
    BonusExpiring = "bonus.expiring", Bonus to Client Branch;
    /// A lot expired.
    BonusExpired = "bonus.expired", Bonus to Client Branch;
    /// Reserved bonus came back.
    BonusReturned = "bonus.returned", Bonus to Client Branch;
    /// Bonus was revoked.
    BonusRevoked = "bonus.revoked", Bonus to Client Branch;
    /// An outage of the engine moved the end of a lot.
    BonusDelayed = "bonus.delayed", Bonus to Client Branch;
    /// A payment changed; its payer is told.
    PaymentChanged = "payment.changed", Payment to Client Branch;
    /// A payout changed.
    PayoutChanged = "payout.changed", Payout to Branch;
    /// The account for payouts changed; the branch and each of its owners are told.
    PayoutAccountChanged = "payout.account_changed", Payout to Client Branch;
    /// Support decided that a payable is not owed.
    PayableRefused = "payable.refused", Payable to Branch;
    /// An arrived client is not admitted.
    SupportAdmitLate = "support.admit_late", Support to Support;
    /// A partner reports that an arrived client is not there.
    SupportNotHere = "support.not_here", Support to Support;
    /// A client contested a final amount.
    SupportAmountContested = "support.amount_contested", Support to Support;
    /// A client confirmed an amount far below the agreed total.
    SupportAmountConfirmed = "support.amount_confirmed", Support to Support;
    /// A client's first position is out of reach of the origin.
    SupportPositionDoubted = "support.position_doubted", Support to Support;
    /// A client disputed a penalty.
    SupportPenaltyDisputed = "support.penalty_disputed", Support to Support;
    /// A dispute was rejected.
    SupportPenaltyRejected = "support.penalty_rejected", Support to Support;
    /// A penalty was waived.
    SupportPenaltyWaived = "support.penalty_waived", Support to Support;
    /// A waived penalty was reinstated.
    SupportPenaltyReinstated = "support.penalty_reinstated", Support to Support;
    /// A sanction was lifted.
    SupportSanctionLifted = "support.sanction_lifted", Support to Support;
    /// The ban of an address was lifted.
    SupportAddressLifted = "support.address_lifted", Support to Support;
    /// A version of the policy was published.
    SupportPolicyPublished = "support.policy_published", Support to Support;
    /// A provider reports another amount than was asked.
    SupportPaymentAmountWrong = "support.payment_amount_wrong", Support to Support;
    /// The state of a payment is not clear.
    SupportPaymentUnclear = "support.payment_unclear", Support to Support;
    /// A payment that had succeeded was taken back.
    SupportPaymentWentBack = "support.payment_went_back", Support to Support;
    /// A provider reports a payment that the engine does not know.
    SupportPaymentUnknown = "support.payment_unknown", Support to Support;
    /// A payment differs from what its provider reports.
    SupportPaymentDiffers = "support.payment_differs", Support to Support;
    /// A payment was charged back.
    SupportChargeBack = "support.charge_back", Support to Support;
    /// A top-up was charged back, and its gift was used.
    SupportGiftSpent = "support.gift_spent", Support to Support;
    /// A refund has to be made by hand.
    SupportRefundDue = "support.refund_due", Support to Support;
    /// A refund takes too long.
    SupportRefundLate = "support.refund_late", Support to Support;
    /// A provider refused a refund.
    SupportRefundRefused = "support.refund_refused", Support to Support;
    /// A payable is held, because it matches a rule.
    SupportPayableHeld = "support.payable_held", Support to Support;
    /// Support has to decide whether a payable is owed.
    SupportPayableSuspended = "support.payable_suspended", Support to Support;
    /// A payout has to be made by hand.
    SupportPayoutDue = "support.payout_due", Support to Support;
    /// A payout takes too long.
    SupportPayoutLate = "support.payout_late", Support to Support;
    /// A payout failed.
    SupportPayoutFailed = "support.payout_failed", Support to Support;
    /// A payout is blocked by the partner's terms.
    SupportPayoutBlocked = "support.payout_blocked", Support to Support;
    /// A partner's account for payouts changed.
    SupportPayoutAccountChanged = "support.payout_account_changed", Support to Support;
}

impl Kind for EventKind {}

impl From<EventKind> for Value {
    fn from(kind: EventKind) -> Self {
        Self::from(<&'static str>::from(kind))
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    /// An event's spelling begins with its topic.
    #[test]
    fn a_spelling_begins_with_its_topic() {
        for kind in EventKind::iter() {
            let text: &str = kind.into();
            let (topic, what) = text.split_once('.').unwrap();
            assert_eq!(topic, kind.topic().to_string());
            assert!(!what.is_empty() && !kind.meaning().is_empty(), "{text}");
        }
    }
}
