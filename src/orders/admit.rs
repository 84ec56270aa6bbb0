//! The partner takes the car in; the client may say that it did not happen (ORD-10).

use chrono::TimeDelta;
use entity::order::{Model, Status};
use entity::value::{Instant, OrderId};
use serde_json::json;

use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use super::{Refusal, late, price};
use crate::platform::{Command, Stop, Tx};
use crate::policy;

/// Takes the car in.
pub struct Admit {
    /// Of which branch.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
}

impl Command for Admit {
    type Answer = OrderView;
    const NAME: &'static str = "admit";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Admit).await?;
        late::still_awaited(tx, &order, self.scope)?;
        let step = Step {
            // Without evidence of an arrival the client is told, and may contest.
            note: json!({"arrival_evidence": order.arrived_at.is_some()}),
            ..Step::new(Intent::Admit, "order.admitted", admitted(&order, to, tx.now()))
        };
        let order = apply::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

fn admitted(order: &Model, to: Status, now: Instant) -> Model {
    let minutes = price::minutes(&order.snapshot.lines);
    Model {
        status: to,
        admitted_at: Some(now),
        admitted_from: Some(order.status),
        planned_end: Some(now + TimeDelta::minutes(minutes)),
        frozen_until: None,
        ..order.clone()
    }
}

/// "I am not there": the order goes back to where it was before it was admitted (ORD-10).
pub struct Contest {
    /// Whose order.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
}

impl Command for Contest {
    type Answer = OrderView;
    const NAME: &'static str = "contest";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Contest).await?;
        let keys = policy::book::pinned(tx, order.policy_version)?;
        let minutes = TimeDelta::minutes(keys.order.contest_min);
        let in_time = order.admitted_at.is_some_and(|at| tx.now() <= at + minutes);
        if !in_time || order.arrived_at.is_some() {
            return Err(read::refuse(Refusal::ContestOver, &order, self.scope).into());
        }
        let step = Step {
            marks: vec![(order.partner_id.0, "admission_contested")],
            ..Step::new(Intent::Contest, "order.contested", returned(&order, to, tx.now()))
        };
        let order = apply::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// The state before the admission; the clocks that it stopped go on with the time they had left.
fn returned(order: &Model, to: Status, now: Instant) -> Model {
    let stood = order.admitted_at.map_or(TimeDelta::zero(), |at| now - at);
    let later = |deadline: Option<Instant>| deadline.map(|deadline| deadline + stood);
    Model {
        status: to,
        admitted_at: None,
        admitted_from: None,
        planned_end: None,
        arrival_deadline: later(order.arrival_deadline),
        decision_deadline: later(order.decision_deadline),
        ..order.clone()
    }
}
