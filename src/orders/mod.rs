//! Orders: the state machine and its commands.
//!
//! A command loads the order and the facts its rule needs, asks its pure `decide` – which holds all
//! of the rule, the table of statuses ([`machine::next`]) included – and hands the step to
//! [`write::step`], the one writer: the order's money, the row at its version, a history step, the
//! timers of the new state, the events of client and branch. A view asks the same functions what
//! its reader may do ([`actions`]).
//!
//! ```text
//! requested ──accept──▶ confirmed ──depart──▶ on_the_way ──admit──▶ active ──complete──▶ completed
//!     │                     └──────────────admit───────────────────▶ │
//!     └─ decline, lapse, cancel ─┴─ cancel, no_show, not_admitted ─┴─ force_cancel ─▶ cancelled
//! ```

pub mod actions;
pub mod booking;
pub mod capacity;
pub mod decision;
pub mod end;
pub mod extend_deadlines;
pub mod machine;
pub mod money;
pub mod parties;
pub mod place;
pub mod price;
pub mod proposals;
pub mod read;
pub mod timers;
pub mod view;
pub mod visit;
pub mod whole;
pub mod write;

platform::refusals! {
    /// Refusals of the state machine and its rules.
    Refusal {
        NoSuchOrder = "no_such_order", NotFound, "There is no such order here", "Check the id; you see only orders that are yours.";
        OrderClosed = "order_closed", Conflict, "The order is over", "Look at the order in this answer; it cannot change again.";
        NotNow = "not_in_this_status", Conflict, "The order is not at that point", "Look at the order in this answer: somebody was faster, or something comes first.";
        NotYours = "not_yours_to_do", Forbidden, "That is not yours to do", "The other side, support or the clock does it.";
        NotThisKind = "not_for_this_kind", Unprocessable, "That cannot be done to an order of this kind", "Quick orders and bookings have ways of their own.";
        OfferExpired = "offer_expired", Conflict, "The offer has expired", "It can no longer be answered; the client was told.";
        PriceChanged = "price_changed", Conflict, "The price has changed since it was shown", "Look at the new total and place again with it.";
        ServicesInvalid = "services_invalid", Unprocessable, "The services cannot be ordered together", "Name one to twenty different services this partner offers now for the car's class.";
        PartnerNotTaking = "partner_not_taking", Conflict, "The partner takes no orders now", "Choose another partner, or come back when this one is open.";
        PartnerCannotAfford = "partner_cannot_take", Conflict, "The partner cannot take this order now", "Choose another partner.";
        CarBusy = "car_busy", Conflict, "This car has an open quick order", "Finish or cancel it first.";
        NoSuchCar = "no_such_car", NotFound, "There is no such car of yours", "Look at your cars again.";
        Banned = "client_banned", Forbidden, "New orders are closed to you for a time", "Wait until the time in `until`; running orders go on. Write to support if this is wrong.";
        InDebt = "penalties_unpaid", Conflict, "There are unpaid penalties", "Pay them, then place again.";
        TooManyOpen = "too_many_open_orders", Conflict, "You have as many open orders as there may be", "`limit` of them may be open at once; finish or cancel one first.";
        TooManyPending = "too_many_requests_pending", Conflict, "As many requests of yours wait for an answer as may", "Wait for an answer, at the latest until `until`, or take one back.";
        PendingHere = "request_pending_here", Conflict, "A request of yours waits at this partner already", "Wait for the answer, at the latest until `until`, or take it back.";
        TooManyPlacings = "too_many_placings", TooMany, "You have placed very many orders within an hour", "Place again from the time in `until`.";
        TooManyWithdrawn = "too_many_withdrawn", TooMany, "You have taken back very many requests", "Place again from the time in `until`.";
        TooManyActs = "too_many_acts", TooMany, "Too much was proposed or changed within a minute", "Go on from the time in `until`.";
        OriginTooFar = "origin_too_far", Unprocessable, "The partner is too far for a quick order", "Come nearer, choose another partner, or book a time.";
        AfterClosing = "arrives_after_closing", Conflict, "The partner would be closed when you arrive", "It closes at `closes_at`: choose another partner, or book a time.";
        StartInvalid = "start_invalid", Unprocessable, "A start belongs to a booking", "Send `starts_at` with a booking, and not with a quick order.";
        SameStart = "same_start", Unprocessable, "That is its start already", "Choose another slot.";
        CarBooked = "car_booked", Conflict, "This car is booked at that time", "Choose another time, or another car.";
        BayClash = "bay_clash", Conflict, "No bay is free for that time", "Take it on purpose with `override`, or decline.";
        BayNotFree = "bay_not_free", Conflict, "The bay is not free for so long", "Choose less, or another time.";
        TooEarlyToDepart = "too_early_to_depart", Conflict, "It is too early to set out", "Set out from the time in `depart_from`.";
        TooEarlyToAdmit = "too_early_to_admit", Conflict, "It is too early to take the car in", "Take it in within an hour before its start.";
        ProposalPending = "proposal_pending", Conflict, "A proposal waits for its answer", "Answer it, take it back, or wait until it is over.";
        NoSuchProposal = "no_such_proposal", NotFound, "There is no such proposal now", "Look at the order: it was answered, taken back, or is over.";
        ProposalOver = "proposal_over", Conflict, "The time to answer the proposal is over", "Propose it again.";
        ProposalYours = "proposal_yours", Forbidden, "It was your side that proposed it", "The other side answers; you may take it back by declining it.";
        TooManyMoves = "too_many_moves", Conflict, "The start was moved as often as it may be", "Keep it, or cancel and book anew.";
        TooLateToMove = "too_late_to_move", Conflict, "It is too late to move the start", "Come, or cancel.";
        NotContestable = "not_contestable", Conflict, "The amount cannot be contested", "Only an amount far off the agreed one, within 48 hours; write to support.";
        NotConfirmable = "not_confirmable", Conflict, "There is no lower amount to confirm", "Name the amount the order shows now; only one below the total you agreed to can be confirmed, within 48 hours after the completion.";
        NotCorrected = "not_corrected", Conflict, "Nothing was corrected, or the time to leave free is over", "Write to support if something is wrong.";
        Frozen = "order_frozen", Conflict, "The order is frozen for support", "Support decides, or it opens again by itself; see frozen_until.";
        AlreadyArrived = "already_arrived", Conflict, "The arrival is recorded already", "Nothing is left to do about it.";
        WrongCode = "wrong_code", Unprocessable, "That is not the code shown at this branch", "Read the code at the branch and try again.";
        TooManyCodes = "too_many_codes_tried", TooMany, "Too many wrong codes", "Let your phone send its position, or ask the staff.";
        NotArrived = "not_arrived", Conflict, "No arrival is recorded", "It can be said only of a client whose arrival was recorded.";
        NoMoreExtensions = "no_more_extensions", Conflict, "The time was extended as often as it may be", "Admit the client, or decide when the time is over.";
        NotLateYet = "not_late_yet", Conflict, "The client's time is not over", "A no-show can be declared after the arrival deadline.";
        BelowBonus = "amount_below_bonus", Conflict, "The client paid more than that with bonus", "Name at least what is in `bonus`; compensate the client for the rest.";
        BonusTooMuch = "bonus_above_total", Unprocessable, "That is more bonus than the order costs", "Pay with bonus at most the total.";
        AmountInvalid = "amount_invalid", Unprocessable, "The amount makes no sense", "Send whole qəpik above zero.";
        QuoteInvalid = "quote_invalid", Conflict, "The quote is over, or of another state of the order", "Ask for a fresh one, look at the fee, then cancel with it.";
        ContestOver = "contest_over", Conflict, "The admission cannot be contested", "Only within 10 minutes, and only where no arrival was recorded; write to support.";
        ReasonRequired = "reason_required", Unprocessable, "A reason is required", "Say in 1 to 500 characters why.";
        Unreadable = "order_unreadable", Conflict, "A part of this order cannot be read", "Support has been alarmed and can close it; nothing was changed.";
        BooksWrong = "books_wrong", Conflict, "Acceptances are stopped", "The books did not prove right; the operator has been alarmed. Try again later.";
        PositionInvalid = "position_invalid", Unprocessable, "The position makes no sense", "Send lat, lon and an accuracy of 0 to 10000 metres.";
    }
}
