//! How a simulated client behaves during one visit, drawn beforehand.

use chrono::TimeDelta;
use client::Proposal;

/// The client's behaviour during one visit, drawn beforehand.
#[expect(clippy::struct_excessive_bools, reason = "each trait is drawn on its own")]
pub(crate) struct Mood {
    /// Cancels before the partner answers.
    pub(crate) drops_at_once: bool,
    /// Asks for the cancellation fee after the acceptance, and usually cancels while it is low.
    pub(crate) drops_later: bool,
    /// Never arrives.
    pub(crate) ghost: bool,
    /// Proposes an additional service on the way.
    pub(crate) adds_on_the_way: bool,
    /// Arrives with the branch's code instead of the position.
    pub(crate) by_code: bool,
    /// The actual travel time, in percent of the estimate.
    pub(crate) way_percent: u64,
    /// Leaves without a fee when not admitted in time.
    pub(crate) leaves_when_kept: bool,
    /// The behaviour for a booking.
    pub(crate) appointment: Appointment,
}

/// What a client may do between the acceptance and the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whim {
    /// Propose another start.
    Move,
    /// Propose an additional service.
    AddOn,
    /// Cancel, in time or late.
    Drop,
}

/// A client's behaviour for one booking, drawn beforehand.
#[derive(Debug)]
pub(crate) struct Appointment {
    /// What the client does before the start.
    pub(crate) whim: Option<Whim>,
    /// When it happens, in percent of the time until the departure.
    pub(crate) at_percent: u32,
    /// How long before the start the client plans to arrive; negative means after the start.
    pub(crate) ahead: TimeDelta,
    /// Whether it was given up.
    pub(crate) given_up: bool,
    /// A proposal that is left unanswered.
    pub(crate) ignored: Option<String>,
}

impl Appointment {
    /// Whether this proposal is left unanswered.
    pub(crate) fn ignores(&self, proposal: &Proposal) -> bool {
        self.ignored.as_deref() == Some(proposal.id.as_str())
    }
}
