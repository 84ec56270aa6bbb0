//! The books: double entry, holds that end once (BAL-6).
//!
//! A partner's prepaid balance is a *wallet*: `posted` is the sum of its postings, `held` the sum
//! of its open holds, `available` the difference. A hold becomes a posting (*capture*) or ends
//! without one (*release*). Postings are never edited.

pub mod chart;
pub mod checkpoint;
pub mod commission;
pub mod funds;
pub mod payments;
pub mod post;
pub mod posted;
pub mod read;
pub mod split;
pub mod standing;
pub mod statement;
pub mod watch;

platform::refusals! {
    /// The refusals of the ledger.
    Refusal {
        InsufficientBalance = "insufficient_balance", Conflict, "The balance does not cover the commission", "Top up the balance, then accept; a restricted balance accepts again once it has recovered. Nothing was held.";
        ReceiptRequired = "receipt_required", Unprocessable, "Only money that was received brings a gift", "Send the `receipt` of what was paid.";
        NotLocked = "balance_not_locked", Conflict, "Nothing locks the balance", "A charge-back locks it; it may have been unlocked already.";
        Restricted = "balance_restricted", Conflict, "The balance is restricted", "Top it up: orders are accepted again once it has recovered; after a charge-back support unlocks it.";
        AmountInvalid = "amount_invalid", Unprocessable, "The amount makes no sense", "Amounts are whole qəpik above zero.";
        StatementTooLong = "statement_too_long", Unprocessable, "The statement has too many lines", "Ask for a shorter time: at most 50000 lines.";
        NoSuchPartner = "no_such_partner", NotFound, "There is no such partner", "Check the partner's id.";
    }
}
