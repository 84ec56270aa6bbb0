//! Extending the client's time by the partner (QO-6, BK-6).

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind};
use entity::value::{Instant, OrderId, Span};

use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, capacity, late, slot};
use crate::partners::availability::free_until;
use crate::platform::{Command, CommandError, Tx};
use crate::policy::{self, Policy};

/// Extends the arrival deadline, before or while the client is late.
pub struct Extend {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for Extend {
    type Answer = OrderView;
    const NAME: &'static str = "extend";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Extend).await?;
        late::still_awaited(tx, &order, self.scope)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let next = match order.kind {
            OrderKind::Quick => extended(&order, &keys, tx.now()),
            OrderKind::Booking => self.moved(tx, &order, &keys).await?,
        };
        let next = next.map_err(|refusal| read::refuse(refusal, &order, self.scope))?;
        let order = write::step(tx, &order, Step::new(Intent::Extend, "order.extended", next))?;
        Ok(view(&order, self.scope.reader()))
    }
}

impl Extend {
    /// Moves a booking's deadlines together, and extends the hold of its bay (BK-6).
    async fn moved(
        &self,
        tx: &Tx,
        order: &Model,
        keys: &Policy,
    ) -> Result<Result<Model, Refusal>, CommandError> {
        if order.arrived_at.is_some() {
            return Ok(Err(Refusal::AlreadyArrived));
        }
        if order.extensions >= keys.booking.max_extensions {
            return Ok(Err(Refusal::NoMoreExtensions));
        }
        let more = TimeDelta::minutes(keys.booking.extension_min);
        let later = |at: Option<Instant>| at.map(|at| at + more);
        if let Some(BayAllocation { bay_id, until, .. }) = capacity::place(order) {
            let wanted = Span { from: until, until: until + more };
            let (id, holder) = (order.partner_id, order.id.0);
            let free = free_until(tx.db(), id, bay_id, wanted, holder).await?;
            if free < wanted.until {
                return Ok(Err(Refusal::BayNotFree));
            }
            if !slot::car_free(tx, order, wanted).await? {
                return Ok(Err(Refusal::CarBooked));
            }
        }
        Ok(Ok(Model {
            depart_deadline: later(order.depart_deadline),
            arrival_deadline: later(order.arrival_deadline),
            taken_until: later(order.taken_until),
            extensions: order.extensions + 1,
            ..order.clone()
        }))
    }
}

fn extended(order: &Model, policy: &Policy, now: Instant) -> Result<Model, Refusal> {
    if order.arrived_at.is_some() {
        return Err(Refusal::AlreadyArrived);
    }
    if order.extensions >= policy.quick.max_extensions {
        return Err(Refusal::NoMoreExtensions);
    }
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
    Ok(Model {
        arrival_deadline: deadline,
        overdue_at: order.overdue_at.filter(|_| late),
        decision_deadline: deadline.filter(|_| late).map(|deadline| deadline + decide),
        extensions: order.extensions + 1,
        ..order.clone()
    })
}
