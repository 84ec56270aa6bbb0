//! Billing: what is owed beside commission, paid, disputed, undone (PEN-5, PEN-7).
//!
//! An order's end leaves a penalty, a debt. Money support records for it is shared at once; a
//! dispute takes it out of the debt until support decides; a waiver undoes it with all that
//! followed, and can itself be undone.
//!
//! ```text
//! pending ──pay in full──▶ paid          pending · paid · disputed ──waive──▶ waived
//!    └──────dispute──┬──────┘                       ▲                           │
//!                disputed ──reject──▶ pending · paid └────────reinstate─────────┘
//! ```

pub mod dispute;
pub mod pay;
pub mod penalty;
pub mod read;
mod tell;
pub mod waive;

crate::refusals! {
    /// What billing refuses.
    Refusal {
        NoSuchPenalty = "no_such_penalty", NotFound, "There is no such penalty here", "Check the id; you see only penalties that are yours.";
        Overpaid = "penalty_overpaid", Conflict, "That is more than is left to pay", "Record at most the amount in `left`.";
        Disputed = "penalty_disputed", Conflict, "The penalty is disputed already", "Wait for support's decision.";
        Decided = "dispute_decided", Conflict, "The dispute was decided", "A penalty is disputed once; write to support.";
        DisputeOver = "dispute_over", Conflict, "The time to dispute the penalty is over", "It is final after the time in `until`.";
        NotDisputed = "penalty_not_disputed", Conflict, "The penalty is not disputed", "Nothing is left to decide.";
        Waived = "penalty_waived", Conflict, "The penalty is waived", "Nothing is left to pay or to undo.";
        NotWaived = "penalty_not_waived", Conflict, "The penalty is not waived", "There is nothing to reinstate.";
    }
}
