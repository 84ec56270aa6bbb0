//! Admission: the partner admits the car and may correct its class; the client may contest the
//! admission, or leave (ORD-10).

use chrono::TimeDelta;
use entity::order::{BayAllocation, EndReason, Model, OrderKind, OrderStatus, OrderedService};
use entity::order_step;
use entity::value::{CarClass, Instant, Money, OrderId, ServiceId, Span};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cancel::End;
use super::complete::held;
use super::machine::Intent;
use super::overrun::{in_the_way, warn};
use super::read::{self, OrderScope};
use super::reprice::{end_of, extend_visit, reprice};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, amount, capacity, late, price, slot};
use crate::billing::funds::{self, Limit};
use crate::partners::availability::free_bays;
use crate::partners::plan;
use crate::partners::read::ServiceView;
use crate::platform::{Command, CommandError, Tx, heartbeat};
use crate::policy::{self, Policy};

/// Admits the car.
pub struct Admit {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The actual class of the car: its prices apply from now on, and the client may leave free.
    pub car_class: Option<CarClass>,
}

impl Command for Admit {
    type Answer = OrderView;
    const NAME: &'static str = "admit";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Admit).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let early = TimeDelta::minutes(keys.booking.admit_early_min);
        if let Some(from) = order.starts_at.map(|start| start - early).filter(|f| tx.now() < *f) {
            let early = read::refuse(Refusal::TooEarlyToAdmit, &order, self.scope);
            return Err(early.with("from", from).into());
        }
        late::still_awaited(tx, &order, self.scope)?;
        let next = admitted(&order, to, tx.now());
        let other = self.car_class.filter(|class| *class != order.car_class);
        let next = match other {
            None => extend_visit(tx, next).await?,
            Some(class) => corrected(tx, &order, next, class).await?,
        };
        let before = Before::of(&order);
        let step = Step {
            // Without evidence of an arrival the client is notified, and may contest.
            note: json!({"arrival_evidence": order.arrived_at.is_some(), "before": before}),
            ..Step::new(Intent::Admit, "order.admitted", next)
        };
        let next = in_the_way(tx, &order, &step.next).await?;
        let order = write::step(tx, &order, step)?;
        let clashes = warn(tx, &order, &next)?;
        Ok(OrderView { clashes, ..view(&order, self.scope.reader()) })
    }
}

fn admitted(order: &Model, to: OrderStatus, now: Instant) -> Model {
    Model {
        status: to,
        admitted_at: Some(now),
        admitted_from: Some(order.status),
        planned_end: Some(end_of(&order.snapshot.lines, now)),
        frozen_until: None,
        ..order.clone()
    }
}

/// The same services at the prices of another class (ORD-10), including services no longer offered.
async fn corrected(
    tx: &mut Tx,
    order: &Model,
    next: Model,
    class: CarClass,
) -> Result<Model, CommandError> {
    let (_, plan) = plan::of(tx, order.partner_id).await?;
    let still = |service: &ServiceView| ServiceView { active: true, ..service.clone() };
    let offered: Vec<ServiceView> = plan.services.iter().map(still).collect();
    let ids: Vec<ServiceId> = order.snapshot.lines.iter().map(|line| line.id).collect();
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let lines = price::lines(&offered, &[], &ids, class, &keys)?;
    let total = price::total(&lines)?;
    let next = Model { car_class: class, class_corrected: true, class_total: Some(total), ..next };
    reprice(tx, order, next, lines, total).await
}

/// The client leaves free, rejecting the price of the corrected class (ORD-10).
pub struct Leave {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for Leave {
    type Answer = OrderView;
    const NAME: &'static str = "leave";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Leave).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        if !order.class_corrected || !within_minutes(tx, &order, &keys).await? {
            return Err(read::refuse(Refusal::NotCorrected, &order, self.scope).into());
        }
        let end = End {
            intent: Intent::Leave,
            event: "order.left",
            to,
            reason: EndReason::ClientCancelled,
            penalty: Money::ZERO,
            note: json!({"car_class": order.car_class, "total": order.agreed}),
            marks: Vec::new(),
        };
        let order = end.of(tx, &order).await?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// The client contests the admission ("I am not there"): the former status returns (ORD-10).
pub struct Contest {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command for Contest {
    type Answer = OrderView;
    const NAME: &'static str = "contest";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Contest).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        if order.arrived_at.is_some() || !within_minutes(tx, &order, &keys).await? {
            return Err(read::refuse(Refusal::ContestOver, &order, self.scope).into());
        }
        let mut next = returned(&order, to, tx.now());
        if let Some(before) = before_admission(tx, &order).await? {
            if before.commission != order.commission {
                next.commission_bonus =
                    funds::resize(tx, &held(&order), before.commission, Limit::None).await?;
            }
            next = before.again(next);
            next = placed_again(tx, next).await?;
        }
        let step = Step {
            marks: vec![(order.partner_id.0, "admission_contested")],
            ..Step::new(Intent::Contest, "order.contested", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// What was agreed before the partner changed it, as stored in the history.
#[derive(Serialize, Deserialize)]
pub struct Before {
    lines: Vec<OrderedService>,
    agreed: Money,
    commission: Money,
    #[serde(default)]
    client_agreed: Option<Money>,
    #[serde(default)]
    car_class: Option<CarClass>,
    #[serde(default)]
    bay_kind: Option<String>,
    #[serde(default)]
    ends_at: Option<Instant>,
    #[serde(default)]
    place: Option<BayAllocation>,
}

impl Before {
    /// The order's present agreement.
    #[must_use]
    pub fn of(order: &Model) -> Self {
        let lines = order.snapshot.lines.clone();
        let Model { agreed, client_agreed, commission, car_class, ends_at, .. } = *order;
        Self {
            lines,
            agreed,
            commission,
            client_agreed: Some(client_agreed),
            car_class: Some(car_class),
            bay_kind: order.snapshot.bay_kind.clone(),
            ends_at,
            place: capacity::place(order),
        }
    }
}

impl Before {
    /// The order with this agreement restored.
    fn again(self, next: Model) -> Model {
        let mut next = amount::agreed(next, self.client_agreed.unwrap_or(self.agreed));
        next.agreed = self.agreed;
        next.commission = self.commission;
        next.snapshot.lines = self.lines;
        next.snapshot.bay_kind = self.bay_kind;
        next.car_class = self.car_class.unwrap_or(next.car_class);
        next.class_corrected = false;
        next.ends_at = self.ends_at;
        next.bay_id = self.place.map(|place| place.bay_id);
        next.taken_from = self.place.map(|place| place.from);
        next.taken_until = self.place.map(|place| place.until);
        next
    }
}

/// Restores the order's bay and time. If that bay has been taken meanwhile, another one that fits
/// is allocated; if none is free, the order is overbooked: the partner who admitted the car is
/// responsible (BK-10). A booking of the car made elsewhere since must be cancelled first (BK-11).
async fn placed_again(tx: &mut Tx, mut next: Model) -> Result<Model, CommandError> {
    let place = capacity::place(&next);
    let span = place.map(|BayAllocation { from, until, .. }| Span { from, until });
    if let Some(span) =
        span.or((next.kind == OrderKind::Quick).then(|| capacity::quick_visit(&next)))
        && !slot::car_free(tx, &next, span).await?
    {
        return Err(Refusal::CarBooked.into());
    }
    let (Some(BayAllocation { bay_id, .. }), Some(span)) = (place, span) else { return Ok(next) };
    let (_, plan) = plan::of(tx, next.partner_id).await?;
    let mut bays = plan.bays_for(next.snapshot.bay_kind.as_deref());
    bays.sort_by_key(|bay| *bay != bay_id);
    let free = free_bays(tx.db(), next.partner_id, &bays, span, next.id.0).await?;
    next.bay_id = free.first().copied();
    if next.bay_id.is_none() {
        (next.taken_from, next.taken_until) = (None, None);
        next.overbooked = true;
    }
    Ok(next)
}

/// What was agreed before the admission, from the history.
async fn before_admission(tx: &Tx, order: &Model) -> Result<Option<Before>, CommandError> {
    let steps = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(order.id))
        .filter(
            order_step::Column::Intent
                .is_in([Intent::Admit.to_string(), Intent::ChangeServices.to_string()]),
        )
        .order_by_asc(order_step::Column::N)
        .all(tx.db())
        .await?;
    let since = |step: &order_step::Model| order.admitted_at.is_some_and(|at| step.at >= at);
    let before = |step: order_step::Model| match step.note.get("before") {
        // An admission without a correction changed nothing.
        Some(serde_json::Value::Null) => None,
        Some(before) => Some(before.clone()),
        None => Some(step.note),
    };
    let first = steps.into_iter().filter(since).find_map(before);
    Ok(first.map(serde_json::from_value).transpose()?)
}

/// May the client still contest the admission, or leave? Outages extend this period; they are read
/// only where it would have ended (OUT-1).
pub(super) async fn within_minutes(
    tx: &Tx,
    order: &Model,
    keys: &Policy,
) -> Result<bool, CommandError> {
    let Some(at) = order.admitted_at else { return Ok(false) };
    let end = at + TimeDelta::minutes(keys.order.contest_min);
    let least = TimeDelta::seconds(keys.outage.least_s);
    Ok(heartbeat::judged(tx.db(), end, tx.now(), least).await? <= end)
}

/// The state before the admission; the deadlines it suspended resume with the time they had left.
fn returned(order: &Model, to: OrderStatus, now: Instant) -> Model {
    let stood = order.admitted_at.map_or(TimeDelta::zero(), |at| now - at);
    let later = |deadline: Option<Instant>| deadline.map(|deadline| deadline + stood);
    Model {
        status: to,
        class_total: None,
        amount_confirmed: None,
        admitted_at: None,
        admitted_from: None,
        planned_end: None,
        depart_deadline: later(order.depart_deadline),
        arrival_deadline: later(order.arrival_deadline),
        decision_deadline: later(order.decision_deadline),
        ..order.clone()
    }
}
