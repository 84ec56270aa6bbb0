//! Moving deadlines that fell into an outage of ours; nobody is penalised for it (OUT-1).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, OrderKind, Proposed};
use entity::value::{Actor, Instant, OrderId, OutageId, Span};
use serde_json::json;

use super::decision::Step;
use super::machine::{self, Intent};
use super::read::{self, OrderScope};
use super::timers::Deadline;
use super::{Refusal, timers, write};
use crate::context::{Context, Tx};
use crate::policy::{self, Policy};
use platform::scheduler::heartbeat::moved;
use platform::{Command, CommandError};

/// Moves every deadline of an order that fell into the outage.
pub struct ExtendDeadlines {
    /// The order.
    pub order_id: OrderId,
    /// The outage.
    pub outage_id: OutageId,
    /// From the last moment of service to the first one again.
    pub outage: Span,
}

impl Command<Context> for ExtendDeadlines {
    type Answer = ();
    const NAME: CommandName = CommandName::Shift;
    const RECOVERS: bool = true;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Shift).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let facts = OutageFacts { id: self.outage_id, outage: self.outage };
        match Self::decide(&order, &facts, &keys, tx.now()) {
            // None of its deadlines fell into the outage.
            Err(Refusal::NotLateYet) => Ok(()),
            step => write::step(tx, &order, step?).await.map(|_| ()),
        }
    }
}

/// What moving deadlines depends on beside the order.
struct OutageFacts {
    /// The outage.
    id: OutageId,
    /// From the last moment of service to the first one again.
    outage: Span,
}

impl ExtendDeadlines {
    /// Every deadline of the parties that fell into the outage moves.
    fn decide(
        order: &Model,
        facts: &OutageFacts,
        policy: &Policy,
        _: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::Shift, Actor::Clock)?;
        let least = TimeDelta::seconds(policy.outage.least_s);
        let mut step = Step::new(Intent::Shift, EventKind::OrderDeadlineMoved, order.clone());
        let mut shifted = Vec::new();
        for (kind, due) in timers::of(order, policy) {
            let Some(deadline) = timers::deadline(kind) else { continue };
            // The grace is added to what is shown: the shown deadline of an offer is what moves.
            let offer = deadline == Deadline::Offer;
            let shown = order.offer_deadline.filter(|_| offer).unwrap_or(due);
            let to = match moved(shown, facts.outage, least) {
                None if facts.outage.holds(due) => Some(facts.outage.until + least),
                to => to,
            };
            let latest = latest(order, deadline, policy);
            let to = to.map(|to| latest.map_or(to, |latest| to.min(latest)));
            let later = to.map(|to| to - shown).filter(|later| *later > TimeDelta::zero());
            if let Some(later) = later {
                match delay(&mut step.next, deadline, later) {
                    Unmoved::InTheOrder => {}
                    Unmoved::InItsTimer => step.timers.push((kind, due + later)),
                }
                let later_s = later.num_seconds();
                shifted.push(json!({"timer": kind.to_string(), "due": due, "later_s": later_s}));
            }
        }
        if shifted.is_empty() {
            return Err(Refusal::NotLateYet);
        }
        Ok(Step { note: json!({"outage": facts.id, "moved": shifted}), ..step })
    }
}

/// The latest end of a booking's moved deadline: shortly before the start, when an answer is of no
/// use any more (BK-3, BK-8).
fn latest(order: &Model, deadline: Deadline, keys: &Policy) -> Option<Instant> {
    let start = order.starts_at.filter(|_| order.kind == OrderKind::Booking)?;
    let before = TimeDelta::minutes;
    match deadline {
        Deadline::Offer => Some(start - before(keys.booking.confirm_before_start_min)),
        Deadline::Proposal => match &order.proposal.as_ref()?.what {
            Proposed::Reschedule { starts_at, .. } => {
                let least = before(keys.booking.reschedule_before_start_min);
                Some(start.min(*starts_at) - least)
            }
            Proposed::AddOn { .. } => None,
        },
        Deadline::Arrival
        | Deadline::Decision
        | Deadline::AdmitAlert
        | Deadline::Admit
        | Deadline::Freeze
        | Deadline::Journey
        | Deadline::Timer => None,
    }
}

/// Where a deadline is stored.
enum Unmoved {
    /// In a column of the order: its timer follows it.
    InTheOrder,
    /// Only in its timer.
    InItsTimer,
}

fn delay(order: &mut Model, deadline: Deadline, later: TimeDelta) -> Unmoved {
    let put = |deadline: &mut Option<Instant>| *deadline = deadline.map(|at| at + later);
    match deadline {
        Deadline::Offer => put(&mut order.offer_deadline),
        Deadline::Arrival => put(&mut order.arrival_deadline),
        Deadline::Decision => put(&mut order.decision_deadline),
        Deadline::AdmitAlert => put(&mut order.admit_alert_at),
        Deadline::Admit => put(&mut order.admit_deadline),
        Deadline::Freeze => put(&mut order.frozen_until),
        Deadline::Journey => {
            // The time between departing and arriving stays the same.
            put(&mut order.depart_deadline);
            put(&mut order.arrival_deadline);
        }
        Deadline::Proposal => {
            if let Some(proposal) = &mut order.proposal {
                proposal.expires_at += later;
            }
        }
        Deadline::Timer => return Unmoved::InItsTimer,
    }
    Unmoved::InTheOrder
}
