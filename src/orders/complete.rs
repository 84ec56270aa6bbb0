//! The visit and its completion: services change, the final amount is entered, the commission is
//! captured (COM-3, ADD-2).

use entity::order::Model;
use entity::value::{Instant, Money, OrderId, ServiceId};
use serde_json::{Value, json};

use super::machine::Intent;
use super::overrun::{in_the_way, warn};
use super::read::{self, OrderScope};
use super::reprice::reprice;
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, admit, amount, price};
use crate::billing::funds::{self, OrderHold};
use crate::billing::payable;
use crate::billing::reserve::{self, Reserved};
use crate::ledger::commission::{base, commission};
use crate::partners::plan;
use crate::platform::codes::{General, given};
use crate::platform::{Command, CommandError, Tx};
use crate::policy::{self, Policy};

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

impl Command for Complete {
    type Answer = OrderView;
    const NAME: &'static str = "complete";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Complete).await?;
        read::fresh(tx, &order, self.seen, self.scope).await?;
        if !self.final_amount.is_positive() {
            return Err(Refusal::AmountInvalid.refused().at("/final_amount").into());
        }
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let stayed = amount::stayed(tx, &order, &keys).await?;
        let reason = match (&self.reason, self.final_amount < stayed.client_agreed) {
            (Some(reason), _) => Some(given(reason)?),
            (None, false) => None,
            (None, true) => return Err(General::ReasonRequired.into()),
        };
        let flagged = amount::far_off(stayed.client_agreed, self.final_amount, &keys);
        let next =
            Model { status: to, ..completed(&stayed, self.final_amount, flagged, &keys, tx.now()) };
        let next = settle(tx, &order, next).await?;
        let step = Step {
            note: json!({"final_amount": self.final_amount, "reason": reason}),
            ..Step::new(Intent::Complete, "order.completed", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Posts the operator's debt to the partner for the part paid with bonus; where self-dealing is
/// suspected, support decides first (BON-5, BON-6).
async fn owe(tx: &mut Tx, order: &Model, amount: Money) -> Result<(), CommandError> {
    if !amount.is_positive() {
        return Ok(());
    }
    if payable::is_own(tx, order).await? {
        return payable::suspend(tx, order.id, order.partner_id, amount);
    }
    payable::owe(tx, order.id, order.partner_id, amount)
}

/// Completes an order automatically when its partner did not, at the current total, but at no less
/// than the client last agreed to: a lower amount needs a reason by a person (ORD-11).
pub struct AutoComplete {
    /// The order.
    pub order_id: OrderId,
}

impl Command for AutoComplete {
    type Answer = ();
    const NAME: &'static str = "auto_complete";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let (order, to) =
            read::ask(tx, OrderScope::Clock, self.order_id, Intent::AutoComplete).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let stayed = amount::stayed(tx, &order, &keys).await?;
        let next = Model { status: to, ..completed(&stayed, base(&stayed), true, &keys, tx.now()) };
        let next = settle(tx, &order, next).await?;
        let step = Step {
            note: json!({"auto": true}),
            ..Step::new(Intent::AutoComplete, "order.completed", next)
        };
        write::step(tx, &order, step)?;
        Ok(())
    }
}

/// The commission hold of an accepted order.
#[must_use]
pub fn held(order: &Model) -> OrderHold {
    OrderHold {
        order_id: order.id,
        partner_id: order.partner_id,
        amount: Money(order.commission.0 - order.commission_bonus.0),
        bonus: order.commission_bonus,
    }
}

/// The bonus the client has reserved for an order.
#[must_use]
pub fn reserved(order: &Model) -> Reserved {
    Reserved { order_id: order.id, client_id: order.client_id, amount: order.bonus }
}

/// Settles the money of a completed order: captures its commission, pays from the client's reserved
/// bonus, and releases the rest of it (COM-3, BON-5).
///
/// # Errors
/// Faults only.
pub async fn settle(tx: &mut Tx, order: &Model, mut next: Model) -> Result<Model, CommandError> {
    let code = &order.code;
    next.commission_bonus = funds::capture(tx, &held(order), next.commission, code).await?;
    if order.bonus.is_positive() {
        let amount = next.final_amount.unwrap_or(order.agreed).min(order.bonus);
        reserve::pay(tx, &reserved(order), order.partner_id, amount, code).await?;
        owe(tx, order, amount).await?;
        next.bonus = amount;
    }
    Ok(next)
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

impl Command for ChangeServices {
    type Answer = OrderView;
    const NAME: &'static str = "change_services";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::ChangeServices).await?;
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
        // A pending proposal was based on the former agreement, so it ends.
        let next = Model { proposal: None, ..order.clone() };
        let next = match self.scope {
            // Support acts for the client: the client agreed to the new total (ADD-3, ORD-11).
            OrderScope::Support => amount::agreed(next, total),
            // Changes by staff do not alter what the client agreed to (ORD-11).
            OrderScope::Client(_) | OrderScope::Branch(_) | OrderScope::Clock => next,
        };
        let next = reprice(tx, &order, next, lines, total).await?;
        let step = Step {
            // Contesting the admission restores the state before (ORD-10).
            note: noted(&order, self.reason.as_deref()),
            ..Step::new(Intent::ChangeServices, "order.services_changed", next)
        };
        let next = in_the_way(tx, &order, &step.next).await?;
        let order = write::step(tx, &order, step)?;
        let clashes = warn(tx, &order, &next)?;
        Ok(OrderView { clashes, ..view(&order, self.scope.reader()) })
    }
}

fn noted(order: &Model, reason: Option<&str>) -> Value {
    let mut note = json!(admit::Before::of(order));
    if let (Some(note), Some(reason)) = (note.as_object_mut(), reason) {
        note.insert("reason".to_owned(), json!(reason));
    }
    note
}
