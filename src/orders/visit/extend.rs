//! Extending the client's time by the partner (QO-6, BK-6).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{BayAllocation, Model, OrderKind};
use entity::value::{Actor, Instant, OrderId, Span};

use super::late;
use crate::context::{Context, Tx};
use crate::orders::booking::slot;
use crate::orders::decision::{Step, Window};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, capacity, write};
use crate::partners::capacity::availability::free_until;
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// Extends the arrival deadline, before or while the client is late.
pub struct Extend {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for Extend {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Extend;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Extend).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let facts = ExtendFacts::load(tx, &order, &keys).await?;
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What an extension depends on beside the order: a booking's bay and car are held for longer
/// (BK-6).
pub(in crate::orders) struct ExtendFacts {
    /// Whether the bay is free for the extension.
    pub bay_free: bool,
    /// Whether the car is.
    pub car_free: bool,
}

impl ExtendFacts {
    /// Bay and car are free.
    pub(in crate::orders) fn favourable() -> Self {
        Self { bay_free: true, car_free: true }
    }

    async fn load(tx: &Tx, order: &Model, policy: &Policy) -> Result<Self, CommandError> {
        let place = capacity::place(order).filter(|_| order.kind == OrderKind::Booking);
        let Some(BayAllocation { bay_id, until, .. }) = place else {
            return Ok(Self::favourable());
        };
        let more = TimeDelta::minutes(policy.booking.extension_min);
        let wanted = Span { from: until, until: until + more };
        let (id, holder) = (order.partner_id, order.id.0);
        let free = free_until(tx.db(), id, bay_id, wanted, holder).await?;
        let car_free = slot::car_free(tx, order, wanted).await?;
        Ok(Self { bay_free: free >= wanted.until, car_free })
    }
}

impl Extend {
    /// As often as the policy permits, while a client who has not arrived is awaited.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ExtendFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::Extend, Actor::Staff)?;
        late::still_awaited(order, policy, now)?;
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        let most = match order.kind {
            OrderKind::Quick => policy.quick.max_extensions,
            OrderKind::Booking => policy.booking.max_extensions,
        };
        if order.extensions >= most {
            return Err(Refusal::NoMoreExtensions);
        }
        if !facts.bay_free {
            return Err(Refusal::BayNotFree);
        }
        if !facts.car_free {
            return Err(Refusal::CarBooked);
        }
        let next = match order.kind {
            OrderKind::Quick => later(order, policy, now),
            OrderKind::Booking => moved(order, policy),
        };
        let next = Model { extensions: order.extensions + 1, ..next };
        Ok(Step::new(Intent::Extend, EventKind::OrderExtended, next))
    }

    /// The time to extend: while the client is awaited.
    pub(in crate::orders) fn window(order: &Model, policy: &Policy) -> Window {
        Window::until(late::awaited_until(order, policy))
    }
}

/// A booking's deadlines move together, and the hold of its bay (BK-6).
fn moved(order: &Model, policy: &Policy) -> Model {
    let more = TimeDelta::minutes(policy.booking.extension_min);
    let later = |at: Option<Instant>| at.map(|at| at + more);
    Model {
        depart_deadline: later(order.depart_deadline),
        arrival_deadline: later(order.arrival_deadline),
        taken_until: later(order.taken_until),
        ..order.clone()
    }
}

/// The arrival deadline of a quick order moves (QO-6).
fn later(order: &Model, policy: &Policy, now: Instant) -> Model {
    let more = TimeDelta::minutes(policy.quick.extension_min);
    let decide = TimeDelta::minutes(policy.quick.late_decision_min);
    // An outage may have moved the decision deadline alone; the client's time moves with it
    // (OUT-1).
    let base = match (order.arrival_deadline, order.decision_deadline) {
        (Some(due), Some(end)) => Some(due.max(end - decide)),
        (due, _) => due,
    };
    let deadline = base.map(|due| due + more);
    let late = deadline.is_some_and(|deadline| now > deadline);
    Model {
        arrival_deadline: deadline,
        overdue_at: order.overdue_at.filter(|_| late),
        decision_deadline: deadline.filter(|_| late).map(|deadline| deadline + decide),
        ..order.clone()
    }
}
