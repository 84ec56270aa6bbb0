//! The total the client agreed to, a final amount that deviates from it, and the client's answer to
//! such an amount (ORD-11).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{Model, OrderStatus};
use entity::value::{Actor, Instant, Money, OrderId};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::ledger::commission::{base, commission};
use crate::ledger::post::hold::Limit;
use crate::orders::decision::{MoneyMove, OutagesSince, Step, Window};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::visit::late::may_leave;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::codes::given;
use platform::scheduler::heartbeat;
use platform::{Command, CommandError};

/// The order after its client agreed to a total: later amounts are compared with it (ORD-11).
#[must_use]
pub fn agreed(order: Model, total: Money) -> Model {
    Model { client_agreed: total, class_total: None, amount_confirmed: None, ..order }
}

/// The order with the total its client has agreed to by now: a client who stays after the class was
/// corrected has agreed to its total when the time to leave free ends (ORD-10, ORD-11).
#[must_use]
pub fn stayed(order: &Model, facts: &OutagesSince<'_>, policy: &Policy, now: Instant) -> Model {
    match order.class_total {
        Some(total) if !may_leave(order, facts, policy, now) => agreed(order.clone(), total),
        Some(_) | None => order.clone(),
    }
}

/// ORD-11: whether an amount deviates by more than the allowed percentage from the agreed total.
#[must_use]
pub fn far_off(agreed: Money, amount: Money, keys: &Policy) -> bool {
    let off = i128::from(amount.0 - agreed.0).abs() * 100;
    off > i128::from(agreed.0) * i128::from(keys.order.off_estimate_pct)
}

/// The time to confirm or to contest the amount of a completed order.
pub(in crate::orders) fn dispute_window(order: &Model, policy: &Policy) -> Window {
    let hours = TimeDelta::hours(policy.order.dispute_h);
    Window::until(order.completed_at.map(|at| at + hours))
}

/// Is the amount below the base of the commission, so that the client may confirm it (ORD-11)?
fn confirmable(order: &Model) -> bool {
    order.final_amount.unwrap_or(order.agreed) < base(order) && order.amount_contested_at.is_none()
}

/// The client confirms an amount below the agreed total, which becomes the base of the commission
/// (ORD-11).
pub struct ConfirmAmount {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The amount the client was shown.
    pub amount: Money,
}

impl Command<Context> for ConfirmAmount {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::ConfirmAmount;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::ConfirmAmount).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let facts = ConfirmFacts { amount: self.amount };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What confirming an amount depends on beside the order.
pub(in crate::orders) struct ConfirmFacts {
    /// The amount the client was shown.
    pub amount: Money,
}

impl ConfirmFacts {
    /// The amount the order shows.
    pub(in crate::orders) fn favourable(order: &Model) -> Self {
        Self { amount: shown(order) }
    }
}

impl ConfirmAmount {
    /// The amount shown, if it is below what the commission is taken on.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ConfirmFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::ConfirmAmount, Actor::Client)?;
        let amount = shown(order);
        let over = dispute_window(order, policy).over(now);
        if facts.amount != amount || over || !confirmable(order) {
            return Err(Refusal::NotConfirmable);
        }
        let mut next = Model { amount_confirmed: Some(amount), ..order.clone() };
        next.commission = commission(base(&next), &policy.commission);
        let money = match order.status {
            OrderStatus::Completed if next.commission != order.commission => MoneyMove::Correct,
            OrderStatus::Completed => MoneyMove::Nothing,
            OrderStatus::Requested
            | OrderStatus::Confirmed
            | OrderStatus::OnTheWay
            | OrderStatus::Active
            | OrderStatus::Cancelled => MoneyMove::Resize(Limit::None),
        };
        let far = far_off(order.client_agreed, amount, policy);
        Ok(Step {
            note: json!({"client_agreed": order.client_agreed, "amount": amount}),
            money,
            alert: far.then_some(EventKind::SupportAmountConfirmed),
            ..Step::new(Intent::ConfirmAmount, EventKind::OrderAmountConfirmed, next)
        })
    }
}

/// The amount the order shows.
fn shown(order: &Model) -> Money {
    order.final_amount.unwrap_or(order.agreed)
}

/// The client contests a final amount that is far off the agreed one; support decides (ORD-11).
/// Outages extend the time to contest (OUT-1).
pub struct ContestAmount {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The reason.
    pub reason: String,
}

impl Command<Context> for ContestAmount {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::ContestAmount;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::ContestAmount).await?;
        let reason = given(&self.reason)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let outages = read::outages_since(tx, dispute_window(&order, &keys)).await?;
        let facts = ContestAmountFacts { reason, since: OutagesSince { outages: &outages } };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| read::refuse(tx, refusal, &order, self.scope))?;
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What contesting an amount depends on beside the order.
#[derive(Default)]
pub(in crate::orders) struct ContestAmountFacts<'a> {
    /// The reason.
    pub reason: &'a str,
    /// The outages since the time to contest ended.
    pub since: OutagesSince<'a>,
}

impl ContestAmount {
    /// A final amount far off the agreed one, once.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &ContestAmountFacts<'_>,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::ContestAmount, Actor::Client)?;
        let least = TimeDelta::seconds(policy.outage.least_s);
        let end = dispute_window(order, policy).until;
        let end = end.map(|end| heartbeat::moved_by_all(end, facts.since.outages, least));
        let open = end.is_some_and(|end| now <= end);
        let agreed = order.client_agreed;
        let amount = shown(order);
        let contested = order.amount_contested_at.is_some();
        if contested || !open || !far_off(agreed, amount, policy) {
            return Err(Refusal::NotContestable);
        }
        let next = Model { amount_contested_at: Some(now), ..order.clone() };
        Ok(Step {
            note: json!({"reason": facts.reason, "agreed": agreed, "final_amount": amount}),
            alert: Some(EventKind::SupportAmountContested),
            ..Step::new(Intent::ContestAmount, EventKind::OrderAmountContested, next)
        })
    }
}
