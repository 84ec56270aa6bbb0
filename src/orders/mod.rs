//! Orders: the machine and everything that may happen to one.
//!
//! A command loads the order, asks [`machine::allow`] whether the table has a row for it, decides
//! with pure rules, and hands the next state to [`apply::step`], the only writer: the row at its
//! version, a history step, the timers that the new state calls for, what the client and the branch
//! are told. Money moves by `ledger::post` in the same transaction.
//!
//! ```text
//! requested ──accept──▶ confirmed ──depart──▶ on_the_way ──admit──▶ active ──complete──▶ completed
//!     │                     └──────────────admit───────────────────▶ │
//!     └─ decline, lapse, cancel ─┴─ cancel, no_show, not_admitted ─┴─ force_cancel ─▶ cancelled
//! ```

pub mod accept;
pub mod adjust;
pub mod admit;
pub mod alternatives;
pub mod apply;
pub mod arrive;
pub mod cancel;
pub mod complete;
pub mod decline;
pub mod depart;
pub mod extend;
pub mod fee;
pub mod lapse;
pub mod late;
pub mod machine;
pub mod place;
pub mod price;
pub mod read;
pub mod shift;
pub mod timers;
pub mod view;

crate::refusals! {
    /// What the machine and its rules refuse.
    Refusal {
        NoSuchOrder = "no_such_order", NotFound, "There is no such order here", "Check the id; you see only orders that are yours.";
        OrderClosed = "order_closed", Conflict, "The order is over", "Look at the order in this answer; it cannot change again.";
        NotNow = "not_in_this_status", Conflict, "The order is not at that point", "Look at the order in this answer: somebody was faster, or something comes first.";
        NotYours = "not_yours_to_do", Forbidden, "That is not yours to do", "The other side, support or the clock does it.";
        OfferExpired = "offer_expired", Conflict, "The offer has expired", "It can no longer be answered; the client was told.";
        PriceChanged = "price_changed", Conflict, "The price has changed since it was shown", "Look at the new total and place again with it.";
        ServicesInvalid = "services_invalid", Unprocessable, "The services cannot be ordered together", "Name one to twenty different services this partner offers now for the car's class.";
        PartnerNotTaking = "partner_not_taking", Conflict, "The partner takes no orders now", "Choose another partner, or come back when this one is open.";
        PartnerCannotAfford = "partner_cannot_take", Conflict, "The partner cannot take this order now", "Choose another partner.";
        CarBusy = "car_busy", Conflict, "This car has an open quick order", "Finish or cancel it first.";
        NoSuchCar = "no_such_car", NotFound, "There is no such car of yours", "Look at your cars again.";
        InDebt = "penalties_unpaid", Conflict, "There are unpaid penalties", "Pay them, then place again.";
        KindUnknown = "kind_unavailable", Unprocessable, "This kind of order cannot be placed", "Place a quick order.";
        Frozen = "order_frozen", Conflict, "The order is frozen for support", "Support decides, or it opens again by itself; see frozen_until.";
        AlreadyArrived = "already_arrived", Conflict, "The arrival is recorded already", "Nothing is left to do about it.";
        WrongCode = "wrong_code", Unprocessable, "That is not the code shown at this branch", "Read the code at the branch and try again.";
        TooManyCodes = "too_many_codes_tried", TooMany, "Too many wrong codes", "Let your phone send its position, or ask the staff.";
        NotArrived = "not_arrived", Conflict, "No arrival is recorded", "It can be said only of a client whose arrival was recorded.";
        NoMoreExtensions = "no_more_extensions", Conflict, "The time was extended as often as it may be", "Admit the client, or decide when the time is over.";
        NotLateYet = "not_late_yet", Conflict, "The client's time is not over", "A no-show can be declared after the arrival deadline.";
        ReasonRequired = "reason_required", Unprocessable, "A reason is required", "Say in 1 to 500 characters why.";
        AmountInvalid = "amount_invalid", Unprocessable, "The amount makes no sense", "Send whole qəpik above zero.";
        QuoteInvalid = "quote_invalid", Conflict, "The quote is over, or of another state of the order", "Ask for a fresh one, look at the fee, then cancel with it.";
        ContestOver = "contest_over", Conflict, "The admission cannot be contested", "Only within 10 minutes, and only where no arrival was recorded; write to support.";
        BooksWrong = "books_wrong", Conflict, "Acceptances are stopped", "The books did not prove right; the operator has been alarmed. Try again later.";
        PositionInvalid = "position_invalid", Unprocessable, "The position makes no sense", "Send lat, lon and an accuracy of 0 to 10000 metres.";
    }
}
