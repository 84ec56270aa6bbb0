//! The visit and its completion: services change, the final amount is entered, the commission is
//! captured (COM-3, ADD-2).

use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, OrderedService};
use entity::value::{Actor, Instant, Money, OrderId, ServiceId};
use serde_json::{Value, json};

use super::amount;
use crate::context::{Context, Tx};
use crate::ledger::commission::{base, commission};
use crate::ledger::post::hold::Limit;
use crate::orders::decision::{MoneyMove, OutagesSince, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::contest::Before;
use crate::orders::visit::overrun::{in_the_way, warn};
use crate::orders::visit::reprice::{Space, repriced, space};
use crate::orders::{Refusal, price, write};
use crate::partners::capacity::plan;
use crate::policy::{self, Policy};
use platform::codes::given;
use platform::{Command, CommandError};

/// Completes a served order with its final amount.
pub struct Complete {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The version the staff saw (ORD-3).
    pub seen: i64,
    /// The amount the client paid.
    pub final_amount: Money,
    /// The reason if it is below the total the client last agreed to (ORD-11).
    pub reason: Option<String>,
}

impl Command<Context> for Complete {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Complete;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Complete).await?;
        read::fresh(tx, &order, self.seen, self.scope).await?;
        if !self.final_amount.is_positive() {
            return Err(Refusal::AmountInvalid.refused().at("/final_amount").into());
        }
        let reason = self.reason.as_deref().map(given).transpose()?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let outages = read::leaving_outages(tx, &order, &keys).await?;
        let since = OutagesSince { outages: &outages };
        let amount = self.final_amount;
        let step = Self::decide(&order, &CompleteFacts { amount, reason, since }, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What a completion depends on beside the order.
pub(in crate::orders) struct CompleteFacts<'a> {
    /// The amount the client paid.
    pub amount: Money,
    /// The reason, if one is given.
    pub reason: Option<&'a str>,
    /// The outages since the client's time to leave ended.
    pub since: OutagesSince<'a>,
}

impl CompleteFacts<'_> {
    /// The amount the client agreed to.
    pub(in crate::orders) fn favourable(order: &Model) -> Self {
        let since = OutagesSince::default();
        let agreed = order.agreed.max(order.client_agreed).max(Money(1));
        Self { amount: agreed, reason: Some(""), since }
    }
}

impl Complete {
    /// An amount below what the client agreed to needs a reason (ORD-11).
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &CompleteFacts<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::Complete, Actor::Staff)?;
        if !facts.amount.is_positive() {
            return Err(Refusal::AmountInvalid);
        }
        let stayed = amount::stayed(order, &facts.since, policy, now);
        if facts.reason.is_none() && facts.amount < stayed.client_agreed {
            return Err(Refusal::ReasonRequired);
        }
        let flagged = amount::far_off(stayed.client_agreed, facts.amount, policy);
        let next = completed(&stayed, facts.amount, flagged, policy, now);
        Ok(Step {
            note: json!({"final_amount": facts.amount, "reason": facts.reason}),
            money: MoneyMove::Capture,
            ..Step::new(Intent::Complete, EventKind::OrderCompleted, Model { status: to, ..next })
        })
    }
}

/// Completes an order automatically when its partner did not, at the current total, but at no less
/// than the client last agreed to: a lower amount needs a reason by a person (ORD-11).
pub struct AutoComplete {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for AutoComplete {
    type Answer = ();
    const NAME: CommandName = CommandName::AutoComplete;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let order = read::ask(tx, OrderScope::Clock, self.order_id, Intent::AutoComplete).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let outages = read::leaving_outages(tx, &order, &keys).await?;
        let step = Self::decide(&order, &OutagesSince { outages: &outages }, &keys, tx.now())?;
        write::step(tx, &order, step).await?;
        Ok(())
    }
}

impl AutoComplete {
    /// At the amount that needs no reason; support looks at it.
    fn decide(
        order: &Model,
        facts: &OutagesSince<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let to = machine::next(order, Intent::AutoComplete, Actor::Clock)?;
        let stayed = amount::stayed(order, facts, policy, now);
        let next = completed(&stayed, base(&stayed), true, policy, now);
        Ok(Step {
            note: json!({"auto": true}),
            money: MoneyMove::Capture,
            ..Step::new(
                Intent::AutoComplete,
                EventKind::OrderCompleted,
                Model { status: to, ..next },
            )
        })
    }
}

/// The completed state: the commission follows the final amount, but not below what the client
/// agreed to (COM-3, ORD-11).
#[must_use]
pub fn completed(
    order: &Model,
    amount: Money,
    flagged: bool,
    keys: &Policy,
    now: Instant,
) -> Model {
    let next =
        Model { final_amount: Some(amount), completed_at: Some(now), flagged, ..order.clone() };
    Model { commission: commission(base(&next), &keys.commission), ..next }
}

/// Changes services or amount during the visit (ADD-2), or by support at any time after the
/// acceptance (ADD-3).
pub struct ChangeServices {
    /// The acting branch, or support.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The version the staff saw (ORD-3).
    pub seen: i64,
    /// All services after the change.
    pub service_ids: Vec<ServiceId>,
    /// An amount other than their sum.
    pub amount: Option<Money>,
    /// The reason; mandatory for support.
    pub reason: Option<String>,
}

impl Command<Context> for ChangeServices {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::ChangeServices;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::ChangeServices).await?;
        read::fresh(tx, &order, self.seen, self.scope).await?;
        if self.scope == OrderScope::Support {
            given(self.reason.as_deref().unwrap_or_default())?;
        }
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let (_, plan) = plan::of(tx, order.partner_id).await?;
        // Agreed lines keep their price, whatever the catalogue says now (ORD-7).
        let agreed = &order.snapshot.lines;
        let ids = &self.service_ids;
        let lines = price::lines(&plan.services, agreed, ids, order.car_class, &keys)?;
        let total = match self.amount {
            None => price::total(&lines)?,
            Some(amount) if amount.is_positive() => amount,
            Some(_) => return Err(Refusal::AmountInvalid.into()),
        };
        let space = space(tx, &order, &lines, &keys).await?;
        let reason = self.reason.as_deref();
        let facts = ServicesFacts { by: self.scope.actor(), lines, total, space, reason };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let next = in_the_way(tx, &order, &step.next).await?;
        let order = write::step(tx, &order, step).await?;
        let clashes = warn(tx, &order, &next)?;
        Ok(OrderView { clashes, ..read::shown(tx, &order, self.scope)? })
    }
}

/// What a change of services depends on beside the order.
pub(in crate::orders) struct ServicesFacts<'a> {
    /// The staff, or support.
    pub by: Actor,
    /// All services after the change, priced.
    pub lines: Vec<OrderedService>,
    /// Their total.
    pub total: Money,
    /// Where a visit of another duration finds room.
    pub space: Space,
    /// The reason, if one is given.
    pub reason: Option<&'a str>,
}

impl ServicesFacts<'_> {
    /// The services it has.
    pub(in crate::orders) fn favourable(order: &Model, by: Actor) -> Self {
        let (lines, total) = (order.snapshot.lines.clone(), order.agreed);
        Self { by, lines, total, space: Space::Unchanged, reason: None }
    }
}

impl ChangeServices {
    /// By staff during the visit, by support at any time after the acceptance.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ServicesFacts<'_>,
        policy: &Policy,
        _: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::ChangeServices, facts.by)?;
        // A pending proposal was based on the former agreement, so it ends.
        let next = Model { proposal: None, ..order.clone() };
        let next = match facts.by {
            // Support acts for the client: the client agreed to the new total (ADD-3, ORD-11).
            Actor::Support => amount::agreed(next, facts.total),
            // Changes by staff do not alter what the client agreed to (ORD-11).
            Actor::Client | Actor::Staff | Actor::Clock => next,
        };
        let next = repriced(next, facts.lines.clone(), facts.total, &facts.space, policy)?;
        Ok(Step {
            // Contesting the admission restores the state before (ORD-10).
            note: noted(order, facts.reason),
            money: MoneyMove::Resize(Limit::Floor),
            ..Step::new(Intent::ChangeServices, EventKind::OrderServicesChanged, next)
        })
    }
}

fn noted(order: &Model, reason: Option<&str>) -> Value {
    let mut note = json!(Before::of(order));
    if let (Some(note), Some(reason)) = (note.as_object_mut(), reason) {
        note.insert("reason".to_owned(), json!(reason));
    }
    note
}
