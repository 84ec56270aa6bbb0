//! The scheduled ends and deadlines of an order, and the partner's reports of a client who is late
//! or not there.

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, StrikeKind};
use entity::order::{EndReason, Model, OrderKind};
use entity::value::{Actor, Instant, OrderId};
use serde_json::json;

use super::cancel::seen_at;
use super::fee;
use crate::context::{Context, Tx};
use crate::orders::decision::{End, NoFacts, Step, Window, past};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::late;
use crate::orders::{Refusal, timers, write};
use crate::policy::{self, Policy};
use platform::scheduler::heartbeat;
use platform::{Command, CommandError};

/// Ends an offer that was not answered in time (QO-2, BK-9, ORD-6).
pub struct LapseOffer {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for LapseOffer {
    type Answer = ();
    const NAME: CommandName = CommandName::LapseOffer;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Lapse).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let seen = seen_at(tx, order.id, "offer").await?;
        let excused = excused(tx, &order, timers::offer_end(&order, &keys), &keys).await?;
        let step = Self::decide(&order, &LapseFacts { seen, excused }, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

/// What the end of an offer depends on beside the order.
struct LapseFacts {
    /// When a device of the branch acknowledged the offer.
    seen: Option<Instant>,
    /// Whether an outage of ours consumed the time to answer.
    excused: bool,
}

impl LapseOffer {
    /// Strictly after the time to answer; it counts against the partner only if it reached a device
    /// in time (ORD-6).
    fn decide(
        order: &Model,
        facts: &LapseFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Lapse, Actor::Clock)?;
        let offer_end = timers::offer_end(order, policy);
        past(offer_end, now)?;
        let in_time = |seen| offer_end.is_some_and(|end| seen <= end);
        let delivered = facts.seen.is_some_and(in_time) && !facts.excused;
        let reason = EndReason::OfferExpired;
        let end = End { fault: delivered.then_some(reason), ..End::of(to, reason, now) };
        let ended = Step::end(Intent::Lapse, EventKind::OrderExpired, order, end);
        let next = Model { undelivered: !delivered, ..ended.next };
        let ignored = (order.partner_id.0, StrikeKind::Ignored);
        let marks = if delivered { vec![ignored] } else { Vec::new() };
        Ok(Step { next, marks, note: json!({"delivered": delivered}), ..ended })
    }
}

/// Did our own outage consume the time to answer a booking, which ends before its start however far
/// the outage would move it? Then the branch gets no strike (OUT-1, ORD-6).
async fn excused(
    tx: &Tx,
    order: &Model,
    end: Option<Instant>,
    keys: &Policy,
) -> Result<bool, CommandError> {
    let Some(end) = end.filter(|_| order.kind == OrderKind::Booking) else { return Ok(false) };
    let least = TimeDelta::seconds(keys.outage.least_s);
    let outages = heartbeat::outages(tx.db(), order.placed_at).await?;
    Ok(outages.iter().any(|outage| outage.from <= end && end < outage.until + least))
}

/// Marks a quick order overdue: the client's time is over, the partner decides (QO-5).
pub struct MarkOverdue {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for MarkOverdue {
    type Answer = ();
    const NAME: CommandName = CommandName::MarkOverdue;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Overdue).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl MarkOverdue {
    /// Strictly after the arrival deadline of a client who has not arrived.
    fn decide(order: &Model, _: &NoFacts, policy: &Policy, now: Instant) -> Result<Step, Refusal> {
        machine::next(order, Intent::Overdue, Actor::Clock)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        past(order.arrival_deadline, now)?;
        let decide = TimeDelta::minutes(policy.quick.late_decision_min);
        let next = Model {
            overdue_at: Some(now),
            decision_deadline: order.arrival_deadline.map(|deadline| deadline + decide),
            ..order.clone()
        };
        Ok(Step::new(Intent::Overdue, EventKind::OrderOverdue, next))
    }
}

/// Ends an order as a no-show, by the partner or the scheduler (QO-5).
pub struct NoShow {
    /// The branch, or the scheduler.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for NoShow {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::NoShow;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::NoShow).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let facts = NoShowFacts { by: self.scope.actor() };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What a no-show depends on beside the order.
#[derive(Debug)]
pub struct NoShowFacts {
    /// The partner, or the scheduler.
    pub by: Actor,
}

impl NoShow {
    /// The partner declares it strictly after the arrival deadline, the scheduler after the
    /// partner's time to decide.
    ///
    /// # Errors
    /// The refusal of the table, `already_arrived` or `not_late_yet`.
    pub fn decide(
        order: &Model,
        facts: &NoShowFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::NoShow, facts.by)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        past(Self::window(order, facts.by, policy).from, now)?;
        let end = End { penalty: fee::no_show(order), ..End::of(to, EndReason::NoShow, now) };
        Ok(Step {
            note: json!({"arrival_deadline": order.arrival_deadline}),
            marks: vec![(order.client_id.0, StrikeKind::ClientNoShow)],
            ..Step::end(Intent::NoShow, EventKind::OrderNoShow, order, end)
        })
    }

    /// Strictly after which instant it may be declared.
    pub(in crate::orders) fn window(order: &Model, by: Actor, policy: &Policy) -> Window {
        let from = match by {
            Actor::Clock => late::decision_end(order, policy),
            Actor::Client | Actor::Staff | Actor::Support => order.arrival_deadline,
        };
        Window { from, until: None }
    }
}

/// Alerts support that an arrived client is not admitted; the client may leave free (ARR-2).
pub struct AlertAdmit {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for AlertAdmit {
    type Answer = ();
    const NAME: CommandName = CommandName::AlertAdmit;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::Alert).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl AlertAdmit {
    /// Strictly after the time to admit.
    fn decide(order: &Model, _: &NoFacts, _: &Policy, now: Instant) -> Result<Step, Refusal> {
        machine::next(order, Intent::Alert, Actor::Clock)?;
        past(order.admit_alert_at, now)?;
        let next = Model { alerted_at: Some(now), ..order.clone() };
        Ok(Step {
            alert: Some(EventKind::SupportAdmitLate),
            ..Step::new(Intent::Alert, EventKind::OrderAdmitLate, next)
        })
    }
}

/// Ends an order whose client was not admitted in time: the partner's fault (ARR-2).
pub struct NotAdmitted {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for NotAdmitted {
    type Answer = ();
    const NAME: CommandName = CommandName::NotAdmitted;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::NotAdmitted).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl NotAdmitted {
    /// Strictly after the last time to admit.
    fn decide(order: &Model, _: &NoFacts, _: &Policy, now: Instant) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::NotAdmitted, Actor::Clock)?;
        past(order.admit_deadline, now)?;
        let end = End::of(to, EndReason::NotAdmitted, now);
        Ok(Step {
            note: json!({"arrived_at": order.arrived_at}),
            marks: vec![(order.partner_id.0, StrikeKind::PartnerNotAdmitted)],
            ..Step::end(Intent::NotAdmitted, EventKind::OrderNotAdmitted, order, end)
        })
    }
}

/// The partner reports that an arrived client is not there: frozen until support decides (ARR-2).
pub struct NotHere {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for NotHere {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::NotHere;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::NotHere).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

impl NotHere {
    /// Of a client whose arrival is recorded, once.
    pub(in crate::orders) fn decide(
        order: &Model,
        _: &NoFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::NotHere, Actor::Staff)?;
        if order.arrived_at.is_none() {
            return Err(Refusal::NotArrived);
        }
        if order.frozen_until.is_some() {
            return Err(Refusal::Frozen);
        }
        let until = now + TimeDelta::minutes(policy.arrival.freeze_min);
        let next = Model { frozen_until: Some(until), ..order.clone() };
        Ok(Step {
            note: json!({"arrived_at": order.arrived_at, "arrival_by": order.arrival_by}),
            alert: Some(EventKind::SupportNotHere),
            ..Step::new(Intent::NotHere, EventKind::OrderFrozen, next)
        })
    }
}

/// Ends a frozen order that support did not decide in time: free for both, no strikes (ARR-2).
pub struct ReleaseFrozen {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for ReleaseFrozen {
    type Answer = ();
    const NAME: CommandName = CommandName::ReleaseFrozen;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::ReleaseFrozen).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let step = Self::decide(&order, &NoFacts, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl ReleaseFrozen {
    /// Strictly after the time in which support decides; nobody caused this end.
    fn decide(order: &Model, _: &NoFacts, _: &Policy, now: Instant) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::ReleaseFrozen, Actor::Clock)?;
        past(order.frozen_until, now)?;
        let end = End { fault: None, ..End::of(to, EndReason::NotAdmitted, now) };
        Ok(Step {
            note: json!({"frozen_until": order.frozen_until}),
            ..Step::end(Intent::ReleaseFrozen, EventKind::OrderUnfrozen, order, end)
        })
    }
}
