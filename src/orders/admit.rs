//! The partner takes the car in; the client may say that it did not happen (ORD-10).

use chrono::TimeDelta;
use entity::order::{Line, Model, Status};
use entity::order_step;
use entity::value::{Instant, Money, OrderId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::apply::{self, Step};
use super::complete::held;
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use super::{Refusal, late, price};
use crate::ledger;
use crate::platform::{Command, Stop, Tx};
use crate::policy::{self, Policy};

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
        if !contestable(&order, &keys, tx.now()) {
            return Err(read::refuse(Refusal::ContestOver, &order, self.scope).into());
        }
        let mut next = returned(&order, to, tx.now());
        if let Some(before) = changed_since(tx, &order).await? {
            ledger::post::resize(tx, &held(&order), before.commission, Money(i64::MIN))?;
            next.agreed = before.agreed;
            next.commission = before.commission;
            next.snapshot.lines = before.lines;
        }
        let step = Step {
            marks: vec![(order.partner_id.0, "admission_contested")],
            ..Step::new(Intent::Contest, "order.contested", next)
        };
        let order = apply::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// What was agreed before the partner changed it, as the history keeps it.
#[derive(Serialize, Deserialize)]
pub struct Before {
    lines: Vec<Line>,
    agreed: Money,
    commission: Money,
}

impl Before {
    /// As it is now.
    #[must_use]
    pub fn of(order: &Model) -> Self {
        let lines = order.snapshot.lines.clone();
        Self { lines, agreed: order.agreed, commission: order.commission }
    }
}

/// What was agreed at the admission, if the partner changed it since.
async fn changed_since(tx: &Tx, order: &Model) -> Result<Option<Before>, Stop> {
    let steps = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(order.id))
        .filter(order_step::Column::Intent.eq(Intent::ChangeServices.to_string()))
        .order_by_asc(order_step::Column::N)
        .all(tx.db())
        .await?;
    let since = |step: &order_step::Model| order.admitted_at.is_some_and(|at| step.at >= at);
    let first = steps.into_iter().find(since);
    Ok(first.map(|step| serde_json::from_value(step.note)).transpose()?)
}

/// May the client still say that it did not happen? Only without evidence of an arrival.
#[must_use]
pub fn contestable(order: &Model, policy: &Policy, now: Instant) -> bool {
    let minutes = TimeDelta::minutes(policy.order.contest_min);
    order.arrived_at.is_none() && order.admitted_at.is_some_and(|at| now <= at + minutes)
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
