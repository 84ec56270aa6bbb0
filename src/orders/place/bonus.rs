//! The client pays with bonus, wholly or in part: more than was reserved at placing needs an
//! explicit command (BON-5).

use entity::kinds::{CommandName, EventKind};
use entity::order::Model;
use entity::value::{Actor, Instant, Money, OrderId};
use serde_json::json;

use crate::context::{Context, Tx};
use crate::orders::decision::{MoneyMove, Step};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, write};
use crate::policy::{self, Policy};
use platform::{Command, CommandError, Refused};

/// Sets the bonus reserved for an order, replacing the former amount.
pub struct PayWithBonus {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The total reserved; zero releases all of it.
    pub amount: Money,
}

impl Command<Context> for PayWithBonus {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::PayWithBonus;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::PayWithBonus).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let facts = BonusFacts { amount: self.amount };
        let step = Self::decide(&order, &facts, &keys, tx.now());
        let step = step.map_err(|refusal| {
            let unfit = unfit(refusal, order.agreed, "/amount");
            read::refuse(tx, unfit, &order, self.scope)
        })?;
        if self.amount == order.bonus {
            return read::shown(tx, &order, self.scope);
        }
        let order = write::step(tx, &order, step).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// What paying with bonus depends on beside the order. Whether the client has so much is a
/// condition of the commit.
pub(in crate::orders) struct BonusFacts {
    /// The total to reserve.
    pub amount: Money,
}

impl PayWithBonus {
    /// Any part of the total, until the order is over.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &BonusFacts,
        _: &Policy,
        _: Instant,
    ) -> Result<Step, Refusal> {
        machine::next(order, Intent::PayWithBonus, Actor::Client)?;
        fits(facts.amount, order.agreed)?;
        let next = Model { bonus: facts.amount, ..order.clone() };
        Ok(Step {
            note: json!({"before": order.bonus, "after": facts.amount}),
            money: MoneyMove::Reserve,
            ..Step::new(Intent::PayWithBonus, EventKind::OrderBonusSetAside, next)
        })
    }
}

/// Is it an amount that can be set aside for this total?
///
/// # Errors
/// `amount_invalid`, `bonus_above_total`.
pub fn fits(amount: Money, total: Money) -> Result<(), Refusal> {
    if amount < Money::ZERO {
        return Err(Refusal::AmountInvalid);
    }
    if amount > total { Err(Refusal::BonusTooMuch) } else { Ok(()) }
}

/// The refusal of such an amount: names the field of the body, and the total.
#[must_use]
pub fn unfit(refusal: Refusal, total: Money, field: &str) -> Refused {
    let refused = refusal.refused();
    if refusal == Refusal::AmountInvalid {
        return refused.at(field);
    }
    if refusal == Refusal::BonusTooMuch {
        return refused.at(field).with("total", total);
    }
    refused
}
