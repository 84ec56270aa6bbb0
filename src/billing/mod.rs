//! Billing: penalties paid, disputed and waived (PEN-5, PEN-7), and real money in and out through
//! payment providers (BAL-5, BON-5).
//!
//! An order's end can leave a penalty, which is a debt. Money received for it is split at once; a
//! dispute takes it out of the debt until support decides; a waiver undoes it with all its
//! consequences, and can itself be undone.
//!
//! ```text
//! pending ──pay in full──▶ paid          pending · paid · disputed ──waive──▶ waived
//!    └──────dispute──┬──────┘                       ▲                           │
//!                disputed ──reject──▶ pending · paid └────────reinstate─────────┘
//!
//! created ──money came──▶ paid ──send back──▶ refunding ──gone──▶ refunded
//!    ├──▶ failed ──▲       ▲──────provider refused─┘
//!    └──▶ expired ─┘
//! ```
//!
//! Providers are called between commands, never inside one: one command records the request that is
//! about to be made, the next one its result. After a failure in between, a timer retries, and
//! queries the status before it repeats the request.

pub mod gateway;
pub mod holds;
pub mod payments;
pub mod payouts;
pub mod penalties;

platform::refusals! {
    /// The refusals of billing.
    Refusal {
        NoSuchPenalty = "no_such_penalty", NotFound, "There is no such penalty here", "Check the id; you see only penalties that are yours.";
        Overpaid = "penalty_overpaid", Conflict, "That is more than is left to pay", "Record at most the amount in `left`.";
        Disputed = "penalty_disputed", Conflict, "The penalty is disputed already", "Wait for support's decision.";
        Decided = "dispute_decided", Conflict, "The dispute was decided", "A penalty is disputed once; write to support.";
        DisputeOver = "dispute_over", Conflict, "The time to dispute the penalty is over", "It is final after the time in `until`.";
        NotDisputed = "penalty_not_disputed", Conflict, "The penalty is not disputed", "Nothing is left to decide.";
        Waived = "penalty_waived", Conflict, "The penalty is waived", "Nothing is left to pay or to undo.";
        NotWaived = "penalty_not_waived", Conflict, "The penalty is not waived", "There is nothing to reinstate.";
        NoSuchPayment = "no_such_payment", NotFound, "There is no such payment here", "Check the id; you see only payments that are yours.";
        TopUpBounds = "topup_out_of_bounds", Unprocessable, "The amount is not within what can be topped up at once", "Choose an amount from `min` to `max`.";
        NoProvider = "no_payment_provider", Conflict, "Payments through the app are not switched on", "Pay at the office or by bank transfer; support records it.";
        ProviderRefused = "provider_refused", Conflict, "The payment provider refused", "Nothing was paid. Begin again with a fresh Idempotency-Key, or write to support.";
        ProviderAway = "provider_unreachable", Unavailable, "The payment provider did not answer", "Send the same command with the same Idempotency-Key again in a moment: it is one payment.";
        ProviderUnclear = "provider_unclear", Unavailable, "The payment provider said something we do not know", "Nothing was booked; support was told. Look at the payment again later.";
        PaymentAmountWrong = "payment_amount_wrong", Conflict, "Another amount was paid than was asked for", "Nothing was booked; support was told.";
        PaymentNotPaid = "payment_not_paid", Conflict, "The payment was not paid", "There is nothing to give back.";
        RefundRunning = "refund_running", Conflict, "The money is on its way back already", "Wait until the provider has confirmed it.";
        PaymentRefunded = "payment_refunded", Conflict, "The money went back already", "Nothing is left to give back.";
        RefundNotDue = "refund_not_due", Conflict, "Nothing is on its way back", "The partner asks for its money back first.";
        RefundOver = "refund_over", Conflict, "The time to have the money back is over", "A top-up goes back within the time in `until`.";
        Spent = "topup_spent", Conflict, "The top-up was spent, or is being spent", "Commission was taken since, an order holds some, or the balance no longer covers it.";
        CallbackForged = "callback_forged", Forbidden, "The callback is not signed by the provider", "Sign the raw data with the merchant's key.";
        CallbackUnreadable = "callback_unreadable", Invalid, "The callback could not be read", "Send what the provider's own description says.";
        NotByHand = "not_by_hand", Conflict, "The provider does this itself", "Only what goes through no provider is recorded by hand.";
        NoSuchPayable = "no_such_payable", NotFound, "There is no such debt to a partner", "Check the id.";
        PayableDecided = "payable_decided", Conflict, "That was decided already", "Only a suspended debt waits for a decision.";
        NoSuchPayout = "no_such_payout", NotFound, "There is no such payout", "Check the id.";
        PayoutOver = "payout_over", Conflict, "The payout is over", "It was paid, or failed and is owed again.";
        VoenRequired = "voen_required", Conflict, "Money goes to a card only under a verified VÖEN", "Have support record the VÖEN, or take it to the balance.";
        AccountRequired = "account_required", Conflict, "A VÖEN is verified together with an account", "The owner names the account first.";
        AccountChanged = "account_changed", Conflict, "That is not the account the partner named", "Look at the account again: its owner may have changed it.";
        CodeRequired = "code_required", Conflict, "Another account needs a fresh one-time code", "Ask for a code as for signing in, and send it with the account.";
        StrayClosed = "stray_payment_closed", Conflict, "That payment is settled", "Nothing is left to do about it.";
        VoenInvalid = "voen_invalid", Unprocessable, "The VÖEN makes no sense", "A VÖEN has 10 digits.";
        AccountInvalid = "account_invalid", Unprocessable, "The account makes no sense", "Send a name, and either iban with bank_code or card with fin.";
        TermsInvalid = "payout_terms_invalid", Unprocessable, "The part that becomes bonus makes no sense", "It is 0 to 10000 basis points.";
    }
}
