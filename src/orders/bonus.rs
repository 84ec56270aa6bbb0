//! The client pays with bonus, wholly or in part: more than was reserved at placing needs an
//! explicit command (BON-5).

use entity::order::Model;
use entity::value::{Money, OrderId};
use serde_json::json;

use super::Refusal;
use super::complete::reserved;
use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use crate::billing::reserve;
use crate::platform::{Command, CommandError, Tx};

/// Sets the bonus reserved for an order, replacing the former amount.
pub struct PayWithBonus {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The total reserved; zero releases all of it.
    pub amount: Money,
}

impl Command for PayWithBonus {
    type Answer = OrderView;
    const NAME: &'static str = "pay_with_bonus";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::PayWithBonus).await?;
        fits(self.amount, order.agreed, "/amount")?;
        if self.amount == order.bonus {
            return Ok(view(&order, self.scope.reader()));
        }
        reserve::change(tx, &reserved(&order), self.amount).await?;
        let next = Model { bonus: self.amount, ..order.clone() };
        let step = Step {
            note: json!({"before": order.bonus, "after": self.amount}),
            ..Step::new(Intent::PayWithBonus, "order.bonus_set_aside", next)
        };
        let order = write::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Is it an amount that can be set aside for this total? A refusal names the field of the body.
///
/// # Errors
/// `amount_invalid`, `bonus_above_total`.
pub fn fits(amount: Money, total: Money, field: &str) -> Result<(), CommandError> {
    if amount < Money::ZERO {
        return Err(Refusal::AmountInvalid.refused().at(field).into());
    }
    if amount > total {
        return Err(Refusal::BonusTooMuch.refused().at(field).with("total", total).into());
    }
    Ok(())
}
