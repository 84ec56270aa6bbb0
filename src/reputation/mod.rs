//! Reputation: the strikes against clients and branches, and the sanctions imposed for them.
//!
//! The command that writes an order records a strike and arms an evaluation timer in the same
//! transaction; the evaluation counts by pure rules and imposes (SAN-3). Every strike or sanction
//! that is added, ended or voided raises the version of the client's or branch's own row, so that
//! the second of two concurrent commands runs again.

pub mod acts;
pub mod judge;
pub mod read;
pub mod record;
pub mod rules;
pub mod sanction;
pub mod strike;

platform::refusals! {
    /// The refusals of reputation.
    Refusal {
        NoSuchSanction = "no_such_sanction", NotFound, "There is no such sanction", "Check the id.";
        NoSuchSubject = "no_such_subject", NotFound, "There is nobody to sanction", "A client's ban names a person; a warning, a visibility or a block names a branch.";
        SanctionInvalid = "sanction_invalid", Unprocessable, "The sanction makes no sense", "It lasts 1 to 8760 hours.";
        Stands = "already_sanctioned", Conflict, "A sanction of this kind stands already", "Wait for its end, or lift it first.";
        Over = "sanction_over", Conflict, "The sanction is over", "Nothing is left to lift.";
        NotOver = "sanction_stands", Conflict, "The sanction still stands", "Wait for its end, or lift it.";
        NoBlock = "not_a_block", Conflict, "Only a branch's block shuts an address", "Lift the sanction itself.";
    }
}
