//! Policy: every number of the rulebook, versioned. An order keeps the version it was placed under
//! (ORD-7).
//!
//! A change is a [`draft`] on the newest version; [`check`] finds contradictions in it; [`publish`]
//! makes it the next version. Versions are never edited. Each node has all of them in its [`book`];
//! [`watch`] reads those published by other nodes.

pub mod calendar;
pub mod check;
pub mod draft;
pub mod keys;
pub mod publish;
pub mod read;
pub mod registry;
pub mod watch;

pub use keys::Policy;
pub use registry::{PolicyVersion, Registry};

platform::refusals! {
    /// The refusals of policy.
    Refusal {
        NoSuchVersion = "no_such_policy", NotFound, "There is no such policy version", "Look at the list of versions.";
        KeyUnknown = "policy_key_unknown", Unprocessable, "The policy knows no such key", "Look at `key`; GET /v1/support/policy shows all keys.";
        ValueInvalid = "policy_value_invalid", Unprocessable, "The value is not of that key's kind", "Look at `key`; its kind stands in GET /v1/support/policy.";
        Unchanged = "policy_unchanged", Unprocessable, "Nothing would change", "Name at least one key with another value than the newest version has.";
        Past = "policy_in_the_past", Unprocessable, "A version cannot come into force in the past", "Name an instant to come, or none for at once.";
        TooFar = "policy_too_far", Unprocessable, "A version comes into force within a year", "Name an instant not after `until`: until then nothing else could change.";
        OutOfOrder = "policy_out_of_order", Conflict, "A later version was published already", "Name an instant not before `effective_at` of the newest version.";
        OwnersOnly = "policy_owners_only", Forbidden, "Only an owner changes what support may move", "Ask an owner, or leave `key` as it is.";
        Broken = "policy_broken", Unprocessable, "The policy contradicts itself", "Look at the `findings` that are errors and change those keys.";
    }
}
