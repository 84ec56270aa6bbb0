//! The client pays with bonus, wholly or in part: more than was set aside at placing needs the
//! client's own word (BON-5).

use entity::order::Model;
use entity::value::{Money, OrderId};
use serde_json::json;

use super::Refusal;
use super::apply::{self, Step};
use super::complete::reserved;
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use crate::billing::reserve;
use crate::platform::{Command, Stop, Tx};

/// Sets so much bonus aside for an order, instead of what was.
pub struct PayWithBonus {
    /// Whose order.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
    /// In all; nothing lets all of it go.
    pub amount: Money,
}

impl Command for PayWithBonus {
    type Answer = OrderView;
    const NAME: &'static str = "pay_with_bonus";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::PayWithBonus).await?;
        fits(self.amount, order.agreed)?;
        if self.amount == order.bonus {
            return Ok(view(&order, self.scope.reader()));
        }
        reserve::change(tx, &reserved(&order), self.amount).await?;
        let next = Model { bonus: self.amount, ..order.clone() };
        let step = Step {
            note: json!({"before": order.bonus, "after": self.amount}),
            ..Step::new(Intent::PayWithBonus, "order.bonus_set_aside", next)
        };
        let order = apply::step(tx, &order, step)?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Is it an amount that can be set aside for this total?
///
/// # Errors
/// `amount_invalid`, `bonus_above_total`.
pub fn fits(amount: Money, total: Money) -> Result<(), Stop> {
    if amount < Money::ZERO {
        return Err(Refusal::AmountInvalid.into());
    }
    if amount > total {
        return Err(Refusal::BonusTooMuch.refused().with("total", total).into());
    }
    Ok(())
}
