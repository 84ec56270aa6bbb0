//! Commands: the names of the changes that the engine executes, as traces and metrics show them.

/// The name of a command.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::Display, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum CommandName {
    /// Accepts an offer.
    Accept,
    /// Agrees to an add-on: price, duration, hold, capacity and end change together or not at
    /// all.
    AcceptAddOn,
    /// Accepts a move: the order takes the new slot, the old one is released.
    AcceptReschedule,
    /// Records that the acting device has received everything up to a sequence number.
    Acknowledge,
    /// Adds a bay.
    AddBay,
    /// Closes a bay for a time; the ends are rounded outward to whole occupancy cells.
    AddBlock,
    /// Adds a car.
    AddCar,
    /// Makes the person with this number a support person, or changes their role.
    AddSupport,
    /// Adjusts an order.
    Adjust,
    /// Admits the car.
    Admit,
    /// Accepts a client's proposal automatically, if the branch is configured so and still is
    /// (ADD-1, BK-4).
    AgreeToProposal,
    /// Alerts support that an arrived client is not admitted; the client may leave free (ARR-2).
    AlertAdmit,
    /// Accepts an invitation, with immediate effect, or declines it.
    AnswerInvitation,
    /// Records an arrival by the code shown at the branch.
    Arrive,
    /// Records the refund request that is about to be made, and takes the lease.
    AskBack,
    /// Retries later; a request that was not made is not recorded as made.
    AskBackLater,
    /// Completes an order automatically when its partner did not, at the current total, but at no
    /// less than the client last agreed to: a lower amount needs a reason by a person (ORD-11).
    AutoComplete,
    /// Confirms a booking automatically (BK-4).
    AutoConfirm,
    /// Burns a booking whose client did not set out, or did not arrive, in time (BK-5, BK-6).
    Burn,
    /// Cancels an order for its client.
    Cancel,
    /// Cancels an order for its partner, by the partner's fault.
    CancelByStaff,
    /// Gives a member of the branch's staff another role.
    ChangeRole,
    /// Changes services or amount during the visit (ADD-2), or by support at any time after the
    /// acceptance (ADD-3).
    ChangeServices,
    /// Reverses a payment that was charged back: a top-up's balance is locked, a penalty is a
    /// debt again (LIM-11).
    ChargeBack,
    /// Checks at the start of a booking whether another car is still in its bay, and warns its
    /// partner and its client (BK-10).
    CheckBay,
    /// Spends one of an order's attempts before the code is compared: concurrent ones all count.
    ClaimCodeTry,
    /// Closes a stray payment that support settled.
    CloseStrayPayment,
    /// Records a reconciliation without a change.
    ComparePayment,
    /// Completes a served order with its final amount.
    Complete,
    /// The client confirms an amount below the agreed total, which becomes the base of the
    /// commission (ORD-11).
    ConfirmAmount,
    /// The client contests the admission ("I am not there"): the former status returns (ORD-10).
    Contest,
    /// The client contests a final amount that is far off the agreed one; support decides
    /// (ORD-11).
    ContestAmount,
    /// Opens a payment for a penalty; the provider is asked after this command commits.
    CreatePenaltyPayment,
    /// Opens a top-up; the provider is asked after this command commits.
    CreateTopUp,
    /// Credits a partner's balance.
    CreditPartner,
    /// Declines an offer.
    Decline,
    /// Declines a proposal by the other side, or withdraws it by the side that made it.
    DeclineProposal,
    /// Records that the client sets out; allowed while overdue.
    Depart,
    /// Disputes one of the client's own penalties.
    DisputePenalty,
    /// Removes a special day: the weekly hours apply again.
    DropSpecialDay,
    /// Changes a bay.
    EditBay,
    /// Changes a branch's settings; absent ones stay.
    EditBranch,
    /// Changes name and language.
    EditProfile,
    /// Ends all sessions of a person.
    EndAllSessions,
    /// Ends a sanction whose time is over.
    EndSanction,
    /// Ends the session of a device of this person.
    EndSession,
    /// Extends the arrival deadline, before or while the client is late.
    Extend,
    /// Records that the provider reports a payment as failed.
    FailPayment,
    /// Searches alternatives to an order; changes nothing.
    FindAlternatives,
    /// Records that a provider has money for an unknown payment.
    FindStrayPayment,
    /// Grants bonus by hand, by support (BON-8).
    GrantBonus,
    /// Grants a campaign's bonus to one owner, by support.
    GrantCampaign,
    /// Extends the hold of a bay whose car is still there at its end, by a number of minutes, as
    /// far as the bay is free (BK-10).
    HoldOn,
    /// Imposes a sanction.
    ImposeSanction,
    /// Invites the person with this number to work at the branch; an earlier open invitation of
    /// the number is replaced.
    InviteStaff,
    /// Counts the events of outbox messages by day and kind.
    CountEvents,
    /// Counts a client's strikes (SAN-1).
    JudgeClient,
    /// Counts a branch's strikes (SAN-2).
    JudgePartner,
    /// Stores a message that has no effect.
    KeepMessage,
    /// Ends an offer that was not answered in time (QO-2, BK-9, ORD-6).
    LapseOffer,
    /// Ends a proposal that was not answered in time.
    LapseProposal,
    /// The client leaves free, rejecting the price of the corrected class (ORD-10).
    Leave,
    /// Lets a new operator register at the address of a blocked branch (SAN-4).
    LiftAddress,
    /// Ends a sanction before its time.
    LiftSanction,
    /// Retries later; notifies support once of each new problem.
    LookAtPayoutLater,
    /// Records a query: if the money is still there, support is notified again; if the provider
    /// returned it, the stray payment is closed.
    LookAtStrayPayment,
    /// The payment is still undecided: polls again later, or expires it.
    LookLater,
    /// Creates a campaign.
    MakeCampaign,
    /// Marks a quick order overdue: the client's time is over, the partner decides (QO-5).
    MarkOverdue,
    /// Records that the payout is about to be requested, and takes the lease.
    MarkPayoutSent,
    /// Ends an order as a no-show, by the partner or the scheduler (QO-5).
    NoShow,
    /// Ends an order whose client was not admitted in time: the partner's fault (ARR-2).
    NotAdmitted,
    /// The partner reports that an arrived client is not there: frozen until support decides
    /// (ARR-2).
    NotHere,
    /// Records a payment.
    PayPenalty,
    /// Sets the bonus reserved for an order, replacing the former amount.
    PayWithBonus,
    /// Places an order.
    Place,
    /// Previews an order; changes nothing.
    PreviewOrder,
    /// Proposes more services.
    ProposeAddOn,
    /// Proposes another start.
    ProposeReschedule,
    /// Publishes the next version.
    PublishPolicy,
    /// Quotes the cancellation fee; changes nothing.
    QuoteCancel,
    /// Records the checkout page of a payment intent.
    RecordCheckout,
    /// Records that the provider refused the payment.
    RecordNoCheckout,
    /// Records that the payout arrived.
    RecordPayout,
    /// Records that the payout came back or was refused.
    RecordPayoutFailed,
    /// Records that the refund was made.
    RecordRefund,
    /// Records that support refunded by hand a payment that was received by hand.
    RecordRefundByHand,
    /// Records that the provider refused the refund: the money stays where it was.
    RecordRefundRefused,
    /// Records a bank transfer that support made by hand.
    RecordTransfer,
    /// Records an unclear answer to the request for a checkout page.
    RecordUnclearCheckout,
    /// Redeems a code.
    RedeemCode,
    /// Redeems a ticket for a socket.
    RedeemTicket,
    /// Refreshes the tokens of a session.
    RefreshSession,
    /// Refunds an unspent top-up through its provider.
    RefundTopUp,
    /// Support's decision that a suspended or held payable is not owed.
    RefusePayable,
    /// Registers a business.
    RegisterOrganisation,
    /// Registers a branch.
    RegisterPartner,
    /// Undoes a waiver: restores the penalty, its shares, its strikes and its ban.
    ReinstatePenalty,
    /// Rejects a dispute: the penalty is a debt again, or paid.
    RejectDispute,
    /// Ends a frozen order that support did not decide in time: free for both, no strikes
    /// (ARR-2).
    ReleaseFrozen,
    /// Support's decision that a suspended or held payable is owed.
    ReleasePayable,
    /// Reminds the client of a booking, as it is at this moment (NOT-5).
    Remind,
    /// Removes a block, which opens the bay again.
    RemoveBlock,
    /// Removes a car; its orders stay as they are.
    RemoveCar,
    /// Removes a person from the branch's staff, at once.
    RemoveStaff,
    /// Sends a code to a number.
    RequestCode,
    /// Gives the calendar a new address; the old one is invalid at once.
    RotateCalendarFeed,
    /// Collects a partner's payables that are due today.
    RunPayouts,
    /// Adds a service, or changes one.
    SaveService,
    /// Records a position of the client's device.
    SendPosition,
    /// Sets a partner's payout terms.
    SetPayoutTerms,
    /// Replaces a branch's weekly hours.
    SetSchedule,
    /// Sets the hours of a special day.
    SetSpecialDay,
    /// Sets a partner's tax number, and whether support verified it.
    SetVoen,
    /// Settles a payable by the partner's terms, at once or on a later working day (BON-5),
    /// unless its hold continues (LIM-6).
    SettlePayable,
    /// Books a payment that the provider reports as paid, unless it was booked before.
    SettlePayment,
    /// Moves every deadline of an order that fell into the outage.
    Shift,
    /// Extends the head's expiry by an outage during which it would have expired (OUT-1).
    ShiftBonus,
    /// Cancels one order of a blocked partner, free for its client.
    #[strum(serialize = "shut_out")]
    CloseForBlock,
    /// Finds the orders affected by a block and arms a timer for each, which cancels it
    /// separately.
    #[strum(serialize = "shut_out_all")]
    CloseAllForBlock,
    /// Compares the code of a counted try, and opens the session.
    SignIn,
    /// Disables the calendar's address.
    StopCalendarFeed,
    /// Emits a branch's balance flags.
    TellBalance,
    /// Counts one try of the newest code sent to a number for this requester: codes of other
    /// requesters, and their tries, are separate (LIM-10).
    TryCode,
    /// Expires the head, whose time is over; the next lot has started at that moment (BON-1).
    TurnBonus,
    /// Sets the switch of a branch; live bookings stay in any case.
    TurnSwitch,
    /// Unlocks a partner's balance.
    UnlockBalance,
    /// Waits for another node's request: if that node dies, this one proceeds when the lease
    /// expires.
    WaitForPayout,
    /// Waits for another node's request: if that node dies, this one proceeds when the lease
    /// expires.
    WaitForRefund,
    /// Waives a penalty: undoes the fee, the shares, the strikes and the ban they caused.
    WaivePenalty,
    /// Notifies the owner, once, that the head expires soon (BON-7).
    WarnBonus,
    /// Withdraws an invitation of the branch.
    WithdrawInvitation,
}
