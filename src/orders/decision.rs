//! The result of a rule. Every command has a pure `decide(order, facts, policy, now)`, which holds
//! all of its rule and returns the step to take or the refusal; the writer takes the step
//! (`write.rs`), a view asks the same functions for its `actions` (`actions.rs`).
//!
//! `facts` is what the rule needs beside the order: what the sender says, and what the command
//! loaded. Where a rule may depend on rows other than the order's, its facts have a favourable
//! value, with which a view decides.

use entity::kinds::{EventKind, StrikeKind, TimerKind};
use entity::order::{EndReason, Model, OrderStatus};
use entity::value::{Instant, Money, Span};
use serde_json::Value;
use uuid::Uuid;

use super::Refusal;
use super::machine::Intent;
use crate::ledger::post::hold::Limit;

/// One decided step of an order.
#[derive(Debug)]
pub struct Step {
    /// The intent of the step.
    pub intent: Intent,
    /// The event emitted to both sides.
    pub event: EventKind,
    /// The state after it.
    pub next: Model,
    /// What it does to the money the order holds.
    pub money: MoneyMove,
    /// Further data for the history.
    pub note: Value,
    /// Strikes for or against somebody: subject and kind.
    pub marks: Vec<(Uuid, StrikeKind)>,
    /// The event emitted to support's queue, if any.
    pub alert: Option<EventKind>,
    /// Timers that do not follow from the state alone, with their due times.
    pub timers: Vec<(TimerKind, Instant)>,
}

impl Step {
    /// A step that emits its event to both sides and has no further effect.
    #[must_use]
    pub fn new(intent: Intent, event: EventKind, next: Model) -> Self {
        Self {
            intent,
            event,
            next,
            money: MoneyMove::Nothing,
            note: Value::Null,
            marks: Vec::new(),
            alert: None,
            timers: Vec::new(),
        }
    }

    /// An end other than completion: everything the order holds is released (COM-3).
    #[must_use]
    pub fn end(intent: Intent, event: EventKind, order: &Model, end: End) -> Self {
        let next = Model {
            status: end.to,
            reason: Some(end.reason),
            cancelled_at: Some(end.at),
            penalty: Some(end.penalty).filter(|fee| fee.is_positive()),
            commission_bonus: Money::ZERO,
            bonus: Money::ZERO,
            ..order.clone()
        };
        let money = MoneyMove::Release { fault: end.fault };
        Self { money, ..Self::new(intent, event, next) }
    }
}

/// How an order ends.
#[derive(Clone, Copy)]
pub struct End {
    /// The final status.
    pub to: OrderStatus,
    /// The reason.
    pub reason: EndReason,
    /// The reason again, where one of the two sides caused the end: it decides the lifetime of
    /// released bonus (BON-3).
    pub fault: Option<EndReason>,
    /// The client's fee, if any (PEN-3).
    pub penalty: Money,
    /// The instant.
    pub at: Instant,
}

impl End {
    /// An end caused by one of the two sides, without a fee.
    #[must_use]
    pub fn of(to: OrderStatus, reason: EndReason, at: Instant) -> Self {
        Self { to, reason, fault: Some(reason), penalty: Money::ZERO, at }
    }
}

/// What a step does to the money of its order: the commission held of the partner, and the bonus
/// the client reserved. The amounts are those of the order before and after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyMove {
    /// Nothing.
    Nothing,
    /// Holds the commission.
    Hold,
    /// Resizes the hold to the new commission.
    Resize(Limit),
    /// Captures the hold as the new commission, and pays the partner from the client's bonus.
    Capture,
    /// Corrects the captured commission to the new one.
    Correct,
    /// Reserves the new bonus of the client instead of the former.
    Reserve,
    /// Releases everything.
    Release {
        /// The reason, where one of the two sides caused it.
        fault: Option<EndReason>,
    },
}

/// The facts of a rule that depends on the order alone.
#[derive(Debug, Default)]
pub struct NoFacts;

/// The facts of a rule that is given a reason in a person's own words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reasoned<'a> {
    /// The reason.
    pub reason: &'a str,
}

/// The facts of a rule with a time limit that outages of ours extend (OUT-1). A view knows of none.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutagesSince<'a> {
    /// The outages, oldest first.
    pub outages: &'a [Span],
}

/// The time in which an intent is possible, as shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The start.
    pub from: Option<Instant>,
    /// The last instant.
    pub until: Option<Instant>,
}

impl Window {
    /// From anytime until this instant.
    #[must_use]
    pub fn until(until: Option<Instant>) -> Self {
        Self { from: None, until }
    }

    /// Is it still to begin?
    #[must_use]
    pub fn early(&self, now: Instant) -> bool {
        self.from.is_some_and(|from| now < from)
    }

    /// Is it over?
    #[must_use]
    pub fn over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now > until)
    }
}

/// Refuses unless the deadline has strictly passed (ORD-5); a deadline moved meanwhile has a timer
/// of its own.
///
/// # Errors
/// `not_late_yet`.
pub fn past(due: Option<Instant>, now: Instant) -> Result<(), Refusal> {
    if due.is_some_and(|due| now > due) { Ok(()) } else { Err(Refusal::NotLateYet) }
}
