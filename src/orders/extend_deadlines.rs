//! Moving deadlines that fell into an outage of ours; nobody is penalised for it (OUT-1).

use chrono::TimeDelta;
use entity::order::{Model, OrderKind, Proposed};
use entity::value::{Instant, OrderId, OutageId, Span};
use serde_json::json;

use super::machine::Intent;
use super::read::{self, OrderScope};
use super::timers;
use super::write::{self, Step};
use crate::platform::heartbeat::moved;
use crate::platform::{Command, CommandError, Fault, Tx};
use crate::policy::{self, Policy};

/// Moves every deadline of an order that fell into the outage.
pub struct ExtendDeadlines {
    /// The order.
    pub order_id: OrderId,
    /// The outage.
    pub outage_id: OutageId,
    /// From the last moment of service to the first one again.
    pub outage: Span,
}

impl Command for ExtendDeadlines {
    type Answer = ();
    const NAME: &'static str = "shift";
    const RECOVERS: bool = true;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, _) = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Shift).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let least = TimeDelta::seconds(keys.outage.least_s);
        let mut next = order.clone();
        let mut shifted = Vec::new();
        for (kind, due) in timers::of(&order, &keys) {
            // The grace is added to what is shown: the shown deadline of an offer is what moves.
            let shown = order.offer_deadline.filter(|_| kind == timers::OFFER).unwrap_or(due);
            let to = match moved(shown, self.outage, least) {
                None if self.outage.holds(due) => Some(self.outage.until + least),
                to => to,
            };
            let to = to.map(|to| latest(&order, kind, &keys).map_or(to, |latest| to.min(latest)));
            let later = to.map(|to| to - shown).filter(|later| *later > TimeDelta::zero());
            if let (Some(later), true) = (later, timers::DEADLINES.contains(&kind)) {
                match delay(&mut next, kind, later)? {
                    Unmoved::InTheOrder => {}
                    Unmoved::InItsTimer => tx.arm(kind, order.id.0, due + later),
                }
                shifted.push(json!({"timer": kind, "due": due, "later_s": later.num_seconds()}));
            }
        }
        if shifted.is_empty() {
            return Ok(());
        }
        let step = Step {
            note: json!({"outage": self.outage_id, "moved": shifted}),
            ..Step::new(Intent::Shift, "order.deadline_moved", next)
        };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// The latest end of a booking's moved deadline: shortly before the start, when an answer is of no
/// use any more (BK-3, BK-8).
fn latest(order: &Model, kind: &str, keys: &Policy) -> Option<Instant> {
    let start = order.starts_at.filter(|_| order.kind == OrderKind::Booking)?;
    let before = TimeDelta::minutes;
    match kind {
        timers::OFFER => Some(start - before(keys.booking.confirm_before_start_min)),
        timers::PROPOSAL => match &order.proposal.as_ref()?.what {
            Proposed::Reschedule { starts_at, .. } => {
                let least = before(keys.booking.reschedule_before_start_min);
                Some(start.min(*starts_at) - least)
            }
            Proposed::AddOn { .. } => None,
        },
        _ => None,
    }
}

/// Where a deadline is stored.
enum Unmoved {
    /// In a column of the order: its timer follows it.
    InTheOrder,
    /// Only in its timer.
    InItsTimer,
}

fn delay(order: &mut Model, kind: &str, later: TimeDelta) -> Result<Unmoved, Fault> {
    let put = |deadline: &mut Option<Instant>| *deadline = deadline.map(|at| at + later);
    match kind {
        timers::OFFER => put(&mut order.offer_deadline),
        timers::ARRIVAL => put(&mut order.arrival_deadline),
        timers::DECISION => put(&mut order.decision_deadline),
        timers::ADMIT_ALERT => put(&mut order.admit_alert_at),
        timers::ADMIT => put(&mut order.admit_deadline),
        timers::FROZEN => put(&mut order.frozen_until),
        timers::BURN => {
            // The time between departing and arriving stays the same.
            put(&mut order.depart_deadline);
            put(&mut order.arrival_deadline);
        }
        timers::PROPOSAL => {
            if let Some(proposal) = &mut order.proposal {
                proposal.expires_at += later;
            }
        }
        timers::AUTO_COMPLETE => return Ok(Unmoved::InItsTimer),
        _ => return Err(Fault::Other(format!("no outage moves {kind}"))),
    }
    Ok(Unmoved::InTheOrder)
}
