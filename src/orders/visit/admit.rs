//! Admission: the partner admits the car and may correct its class (ORD-10).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, OrderStatus, OrderedService};
use entity::value::{Actor, CarClass, Instant, Money, OrderId, ServiceId};
use serde_json::json;

use super::contest::Before;
use super::late;
use super::overrun::{in_the_way, warn};
use super::reprice::{BayRoom, Space, end_of, extend_visit, repriced, room};
use crate::context::{Context, Tx};
use crate::ledger::post::hold::Limit;
use crate::orders::decision::{MoneyMove, Step, Window};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, price, write};
use crate::partners::capacity::plan;
use crate::partners::profile::read::ServiceView;
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

/// Admits the car.
pub struct Admit {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The actual class of the car: its prices apply from now on, and the client may leave free.
    pub car_class: Option<CarClass>,
}

impl Command<Context> for Admit {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Admit;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Admit).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let refuse = |tx: &Tx, refusal: Refusal| {
            let from = Self::window(&order, &keys).from;
            let mut refused = refusal.refused();
            if refusal == Refusal::TooEarlyToAdmit {
                refused = refused.with("from", from);
            }
            read::refuse(tx, refused, &order, self.scope)
        };
        // What is refused whatever the class is refused before its prices are looked up.
        let asked = Self::decide(&order, &AdmitFacts::default(), &keys, tx.now());
        asked.map_err(|refusal| refuse(tx, refusal))?;
        let facts = self.facts(tx, &order, &keys).await?;
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| refuse(tx, refusal))?;
        let next = in_the_way(tx, &order, &step.next).await?;
        let order = write::step(tx, &order, step).await?;
        let clashes = warn(tx, &order, &next)?;
        Ok(OrderView { clashes, ..read::shown(tx, &order, self.scope)? })
    }
}

/// What an admission depends on beside the order. By default the class is right, and the bay stays
/// as it is held.
#[derive(Default)]
pub(in crate::orders) struct AdmitFacts {
    /// The corrected class, and the services at its prices (ORD-10).
    pub corrected: Option<(CarClass, Vec<OrderedService>, Money)>,
    /// How far the bay is free.
    pub room: Option<BayRoom>,
}

impl Admit {
    /// A booking is admitted from a while before its start, a client who has not arrived while
    /// still awaited.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &AdmitFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Admit, Actor::Staff)?;
        if Self::window(order, policy).early(now) {
            return Err(Refusal::TooEarlyToAdmit);
        }
        late::still_awaited(order, policy, now)?;
        let next = admitted(order, to, now);
        let next = match (&facts.corrected, facts.room) {
            (Some((class, lines, total)), room) => {
                let class_total = Some(*total);
                let next = Model { car_class: *class, class_corrected: true, class_total, ..next };
                let space = room.map_or(Space::Unchanged, Space::Admitted);
                repriced(next, lines.clone(), *total, &space, policy)?
            }
            (None, Some(room)) => extend_visit(next, room),
            (None, None) => next,
        };
        let money = match facts.corrected {
            Some(_) => MoneyMove::Resize(Limit::Floor),
            None => MoneyMove::Nothing,
        };
        let before = Before::of(order);
        Ok(Step {
            // Without evidence of an arrival the client is notified, and may contest.
            note: json!({"arrival_evidence": order.arrived_at.is_some(), "before": before}),
            money,
            ..Step::new(Intent::Admit, EventKind::OrderAdmitted, next)
        })
    }

    /// The time to admit.
    pub(in crate::orders) fn window(order: &Model, policy: &Policy) -> Window {
        let early = TimeDelta::minutes(policy.booking.admit_early_min);
        let from = order.starts_at.map(|start| start - early);
        Window { from, until: late::awaited_until(order, policy) }
    }

    async fn facts(
        &self,
        tx: &mut Tx,
        order: &Model,
        policy: &Policy,
    ) -> Result<AdmitFacts, CommandError> {
        let other = self.car_class.filter(|class| *class != order.car_class);
        let corrected = match other {
            Some(class) => Some(priced_for(tx, order, class, policy).await?),
            None => None,
        };
        let lines = corrected.as_ref().map_or(&order.snapshot.lines, |(_, lines, _)| lines);
        let room = Some(room(tx, order, lines, tx.now()).await?);
        Ok(AdmitFacts { corrected, room })
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
async fn priced_for(
    tx: &mut Tx,
    order: &Model,
    class: CarClass,
    policy: &Policy,
) -> Result<(CarClass, Vec<OrderedService>, Money), CommandError> {
    let (_, plan) = plan::of(tx, order.partner_id).await?;
    let still = |service: &ServiceView| ServiceView { active: true, ..service.clone() };
    let offered: Vec<ServiceView> = plan.services.iter().map(still).collect();
    let ids: Vec<ServiceId> = order.snapshot.lines.iter().map(|line| line.id).collect();
    let lines = price::lines(&offered, &[], &ids, class, policy)?;
    let total = price::total(&lines)?;
    Ok((class, lines, total))
}
