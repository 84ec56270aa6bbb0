//! The partner gives the client more time (QO-6).

use chrono::TimeDelta;
use entity::order::Model;
use entity::value::{Instant, OrderId};

use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use super::{Refusal, late};
use crate::platform::{Command, Stop, Tx};
use crate::policy::{self, Policy};

/// Extends the arrival deadline, before or while the client is late.
pub struct Extend {
    /// Of which branch.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
}

impl Command for Extend {
    type Answer = OrderView;
    const NAME: &'static str = "extend";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Extend).await?;
        late::still_awaited(tx, &order, self.scope)?;
        let keys = policy::book::pinned(tx, order.policy_version)?;
        let next = extended(&order, &keys, tx.now())
            .map_err(|refusal| read::refuse(refusal, &order, self.scope))?;
        let order = apply::step(tx, &order, Step::new(Intent::Extend, "order.extended", next))?;
        Ok(view(&order, self.scope.reader()))
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
    // An outage may have moved the decision alone; the client's time moved with it (OUT-1).
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
