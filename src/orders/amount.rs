//! The total the client agreed to, a final amount that deviates from it, and the client's answer to
//! such an amount (ORD-11).

use chrono::TimeDelta;
use entity::order::{Model, OrderStatus};
use entity::value::{Money, OrderId};
use serde_json::json;

use super::complete::held;
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, admit};
use crate::billing::funds::{self, Limit};
use crate::ledger::commission::{base, commission};
use crate::platform::codes::given;
use crate::platform::{Command, CommandError, Tx, heartbeat};
use crate::policy::{self, Policy};

/// The order after its client agreed to a total: later amounts are compared with it (ORD-11).
#[must_use]
pub fn agreed(order: Model, total: Money) -> Model {
    Model { client_agreed: total, class_total: None, amount_confirmed: None, ..order }
}

/// The order with the total its client has agreed to by now: a client who stays after the class was
/// corrected has agreed to its total when the time to leave free ends (ORD-10, ORD-11).
///
/// # Errors
/// When the database fails.
pub async fn stayed(tx: &Tx, order: &Model, keys: &Policy) -> Result<Model, CommandError> {
    match order.class_total {
        Some(total) if !admit::within_minutes(tx, order, keys).await? => {
            Ok(agreed(order.clone(), total))
        }
        Some(_) | None => Ok(order.clone()),
    }
}

/// ORD-11: whether an amount deviates by more than the allowed percentage from the agreed total.
#[must_use]
pub fn far_off(agreed: Money, amount: Money, keys: &Policy) -> bool {
    let off = i128::from(amount.0 - agreed.0).abs() * 100;
    off > i128::from(agreed.0) * i128::from(keys.order.off_estimate_pct)
}

/// Is the amount below the base of the commission, so that the client may confirm it (ORD-11)?
#[must_use]
pub fn confirmable(order: &Model) -> bool {
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

impl Command for ConfirmAmount {
    type Answer = OrderView;
    const NAME: &'static str = "confirm_amount";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = Intent::ConfirmAmount;
        let (order, _) = read::ask(tx, self.scope, self.order_id, intent).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let hours = TimeDelta::hours(keys.order.dispute_h);
        let open = order.completed_at.is_none_or(|at| tx.now() <= at + hours);
        let shown = order.final_amount.unwrap_or(order.agreed);
        if self.amount != shown || !open || !confirmable(&order) {
            return Err(read::refuse(Refusal::NotConfirmable, &order, self.scope).into());
        }
        let mut next = Model { amount_confirmed: Some(shown), ..order.clone() };
        let due = commission(base(&next), &keys.commission);
        if due != order.commission {
            let held = held(&order);
            next.commission_bonus = match order.status {
                OrderStatus::Completed => funds::amend(tx, &held, due, &order.code).await?,
                OrderStatus::Requested
                | OrderStatus::Confirmed
                | OrderStatus::OnTheWay
                | OrderStatus::Active
                | OrderStatus::Cancelled => funds::resize(tx, &held, due, Limit::None).await?,
            };
            next.commission = due;
        }
        let far = far_off(order.client_agreed, shown, &keys);
        let step = Step {
            note: json!({"client_agreed": order.client_agreed, "amount": shown}),
            alert: far.then_some("support.amount_confirmed"),
            ..Step::new(intent, "order.amount_confirmed", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
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

impl Command for ContestAmount {
    type Answer = OrderView;
    const NAME: &'static str = "contest_amount";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = Intent::ContestAmount;
        let (order, _) = read::ask(tx, self.scope, self.order_id, intent).await?;
        let reason = given(&self.reason)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let end = order.completed_at.map(|at| at + TimeDelta::hours(keys.order.dispute_h));
        let open = match end {
            Some(end) => {
                let least = TimeDelta::seconds(keys.outage.least_s);
                heartbeat::judged(tx.db(), end, tx.now(), least).await? <= end
            }
            None => false,
        };
        let agreed = order.client_agreed;
        let amount = order.final_amount.unwrap_or(agreed);
        let contested = order.amount_contested_at.is_some();
        if contested || !open || !far_off(agreed, amount, &keys) {
            return Err(read::refuse(Refusal::NotContestable, &order, self.scope).into());
        }
        let next = Model { amount_contested_at: Some(tx.now()), ..order.clone() };
        let step = Step {
            note: json!({"reason": reason, "agreed": agreed, "final_amount": amount}),
            alert: Some("support.amount_contested"),
            ..Step::new(intent, "order.amount_contested", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}
