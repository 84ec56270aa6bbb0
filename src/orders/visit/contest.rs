//! The client's answer to an admission: contesting it, or leaving because the class of the car was
//! corrected (ORD-10).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind, StrikeKind};
use entity::order::{BayAllocation, EndReason, Model, OrderKind, OrderStatus, OrderedService};
use entity::order_step;
use entity::value::{Actor, BayId, CarClass, Instant, Money, OrderId, Span};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::late::{contest_window, may_leave};
use crate::context::{Context, Tx};
use crate::ledger::post::hold::Limit;
use crate::orders::booking::slot;
use crate::orders::decision::{End, MoneyMove, OutagesSince, Step};
use crate::orders::end::amount;
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, capacity, write};
use crate::partners::capacity::availability::free_bays;
use crate::partners::capacity::plan;
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// The client leaves free, rejecting the price of the corrected class (ORD-10).
pub struct Leave {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for Leave {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Leave;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Leave).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let outages = read::outages_since(tx, contest_window(&order, &keys)).await?;
        let step = Self::decide(&order, &OutagesSince { outages: &outages }, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

impl Leave {
    /// After a correction of the class, for the time to contest the admission.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &OutagesSince<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Leave, Actor::Client)?;
        if !order.class_corrected || !may_leave(order, facts, policy, now) {
            return Err(Refusal::NotCorrected);
        }
        let end = End { fault: None, ..End::of(to, EndReason::ClientCancelled, now) };
        Ok(Step {
            note: json!({"car_class": order.car_class, "total": order.agreed}),
            ..Step::end(Intent::Leave, EventKind::OrderLeft, order, end)
        })
    }
}

/// The client contests the admission ("I am not there"): the former status returns (ORD-10).
pub struct Contest {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for Contest {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Contest;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Contest).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let outages = read::outages_since(tx, contest_window(&order, &keys)).await?;
        let since = OutagesSince { outages: &outages };
        // Whether it may be contested at all is known before the former bay is looked for.
        let asked = Self::decide(&order, &ContestFacts { since, before: None }, &keys, tx.now());
        asked.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let before = match before_admission(tx, &order).await? {
            Some(before) => Some(restored(tx, &order, before).await?),
            None => None,
        };
        let step = Self::decide(&order, &ContestFacts { since, before }, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What contesting an admission depends on beside the order.
#[derive(Default)]
pub(in crate::orders) struct ContestFacts<'a> {
    /// The outages since the time to contest ended.
    pub since: OutagesSince<'a>,
    /// What was agreed before the admission, if that changed it, and the room for it.
    pub before: Option<FormerAgreement>,
}

/// What was agreed before, and whether there is room for it again.
pub(in crate::orders) struct FormerAgreement {
    before: Before,
    /// Whether the car was not booked elsewhere since (BK-11).
    car_free: bool,
    /// A bay that is free for the former time.
    bay: Option<BayId>,
}

impl Contest {
    /// The former status and agreement return, for a client whose arrival was not recorded.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ContestFacts<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Contest, Actor::Client)?;
        if order.arrived_at.is_some() || !may_leave(order, &facts.since, policy, now) {
            return Err(Refusal::ContestOver);
        }
        let mut next = returned(order, to, now);
        if let Some(restored) = &facts.before {
            if !restored.car_free {
                return Err(Refusal::CarBooked);
            }
            next = restored.before.clone().again(next);
            if capacity::place(&next).is_some() {
                next = placed_again(next, restored.bay);
            }
        }
        Ok(Step {
            marks: vec![(order.partner_id.0, StrikeKind::AdmissionContested)],
            money: MoneyMove::Resize(Limit::None),
            ..Step::new(Intent::Contest, EventKind::OrderContested, next)
        })
    }
}

/// What was agreed before the partner changed it, as stored in the history.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// The order in its former bay. If that bay has been taken meanwhile, another one that fits is
/// allocated; if none is free, the order is overbooked: the partner who admitted the car is
/// responsible (BK-10).
fn placed_again(mut next: Model, bay: Option<BayId>) -> Model {
    next.bay_id = bay;
    if bay.is_none() {
        (next.taken_from, next.taken_until) = (None, None);
        next.overbooked = true;
    }
    next
}

/// Whether there is room again for what was agreed before. A booking of the car made elsewhere
/// since must be cancelled first (BK-11).
async fn restored(
    tx: &mut Tx,
    order: &Model,
    before: Before,
) -> Result<FormerAgreement, CommandError> {
    let next = before.clone().again(order.clone());
    let place = capacity::place(&next);
    let span = place.map(|BayAllocation { from, until, .. }| Span { from, until });
    let visit = span.or((next.kind == OrderKind::Quick).then(|| capacity::quick_visit(&next)));
    let car_free = match visit {
        Some(visit) => slot::car_free(tx, &next, visit).await?,
        None => true,
    };
    let (Some(BayAllocation { bay_id, .. }), Some(span)) = (place, span) else {
        return Ok(FormerAgreement { before, car_free, bay: None });
    };
    let (_, plan) = plan::of(tx, next.partner_id).await?;
    let mut bays = plan.bays_for(next.snapshot.bay_kind.as_deref());
    bays.sort_by_key(|bay| *bay != bay_id);
    let free = free_bays(tx.db(), next.partner_id, &bays, span, next.id.0).await?;
    Ok(FormerAgreement { before, car_free, bay: free.first().copied() })
}

/// What was agreed before the admission, from the history.
async fn before_admission(tx: &Tx, order: &Model) -> Result<Option<Before>, CommandError> {
    let steps = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(order.id))
        .filter(order_step::Column::Intent.is_in([Intent::Admit, Intent::ChangeServices]))
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
