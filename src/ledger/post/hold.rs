//! What accepted orders hold of their partners: taken, sized anew, captured, let go (COM-3).

use entity::hold::{self as row, HoldState, Legs};
use entity::value::{HoldId, Money, OrderId, PartnerId};
use sea_orm::{ActiveEnum, Value};

use super::{Movement, On, change, post, reserve, unrestricted};
use crate::ledger::chart;
use crate::platform::write_set::{Adjust, Cell};
use crate::platform::{Fault, Stop, Tx};

/// What an open order holds of its partner: the commission. Nobody has to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The order.
    pub order_id: OrderId,
    /// Whose money.
    pub partner_id: PartnerId,
    /// How much of the balance.
    pub amount: Money,
    /// How much of the bonus.
    pub bonus: Money,
}

impl Held {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Money {
        Money(self.amount.0 + self.bonus.0)
    }
}

/// How low growth may take the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// To the floor (BAL-2).
    Floor,
    /// As low as it goes: what was held before is held again.
    None,
}

/// What is held then: how much of the balance and of the bonus, and in which order it was taken
/// where bonus is among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Of the balance.
    pub amount: Money,
    /// Of the bonus.
    pub bonus: Money,
    /// In which order.
    pub legs: Option<Legs>,
}

impl Holding {
    /// Of the balance alone.
    #[must_use]
    pub fn balance(amount: Money) -> Self {
        Self { amount, bonus: Money::ZERO, legs: None }
    }
}

/// Holds the commission of an order, unless that would take the available balance below the floor
/// (BAL-2).
///
/// # Source
/// COM-3, BAL-2, §6.4: exactly the floor is allowed.
///
/// # Errors
/// Faults only; `insufficient_balance` at the flush.
pub fn take(tx: &mut Tx, order: (OrderId, PartnerId), holding: Holding) -> Result<(), Stop> {
    let (order_id, partner_id) = order;
    let Holding { amount, bonus, legs } = holding;
    if amount.is_positive() || bonus == Money::ZERO {
        reserve(tx, partner_id, amount)?;
    } else {
        // Bonus covers all of it; a restricted branch accepts nothing all the same (BAL-3).
        unrestricted(tx, partner_id);
    }
    tx.insert(row::Model {
        id: hold_id(order_id),
        order_id,
        wallet_id: partner_id.0,
        amount,
        bonus,
        legs,
        state: HoldState::Open,
        at: tx.now(),
        ended_at: None,
        version: 1,
    });
    Ok(())
}

/// Sizes the hold anew: growth of the balance's part meets the floor, shrinkage never does (COM-3).
///
/// # Errors
/// A fault when an amount is out of range.
pub fn resize(tx: &mut Tx, held: &Held, holding: &Holding, limit: Limit) -> Result<(), Stop> {
    let growth = holding.amount.minus(held.amount).ok_or_else(out_of_range)?;
    if growth.is_positive() && limit == Limit::Floor {
        reserve(tx, held.partner_id, growth)?;
    } else if growth != Money::ZERO {
        change(tx, held.partner_id, Money::ZERO, growth)?;
    }
    turn(tx, held, sized(held, holding)?);
    Ok(())
}

/// Turns the hold into commission: the balance's part of it; never blocked by the floor (COM-3).
///
/// # Errors
/// Faults only.
pub fn capture(tx: &mut Tx, held: &Held, holding: &Holding, note: &str) -> Result<(), Stop> {
    let amount = holding.amount;
    if amount != Money::ZERO || held.amount != Money::ZERO {
        change(tx, held.partner_id, Money(-amount.0), Money(-held.amount.0))?;
    }
    let mut cells = if held.bonus == Money::ZERO && holding.bonus == Money::ZERO {
        Vec::new()
    } else {
        sized(held, holding)?
    };
    cells.extend(ended(tx, HoldState::Captured));
    turn(tx, held, cells);
    post(
        tx,
        Movement {
            debit: chart::partner(held.partner_id),
            credit: chart::COMMISSION.to_owned(),
            amount,
            kind: "commission",
            subject: held.order_id.0,
            n: 1,
            on: On::order(held.partner_id, held.order_id),
            note,
        },
    );
    Ok(())
}

/// Lets the balance's part of the hold go back to where it came from (COM-3).
///
/// # Errors
/// Faults only.
pub fn release(tx: &mut Tx, held: &Held) -> Result<(), Stop> {
    if held.amount != Money::ZERO || held.bonus == Money::ZERO {
        change(tx, held.partner_id, Money::ZERO, Money(-held.amount.0))?;
    }
    let cells = ended(tx, HoldState::Released);
    turn(tx, held, cells.to_vec());
    Ok(())
}

/// Corrects a captured commission by a compensating posting of the balance, the n-th of this order.
///
/// # Errors
/// Faults only.
pub fn amend(tx: &mut Tx, held: &Held, n: i32, more: Money, note: &str) -> Result<(), Stop> {
    if more == Money::ZERO {
        return Ok(());
    }
    change(tx, held.partner_id, Money(-more.0), Money::ZERO)?;
    let (partner, operator) = (chart::partner(held.partner_id), chart::COMMISSION.to_owned());
    let owed = more.is_positive();
    let (debit, credit) = if owed { (partner, operator) } else { (operator, partner) };
    post(
        tx,
        Movement {
            debit,
            credit,
            amount: Money(more.0.abs()),
            kind: "commission_amended",
            subject: held.order_id.0,
            n,
            on: On::order(held.partner_id, held.order_id),
            note,
        },
    );
    Ok(())
}

/// What a captured hold consists of after a correction.
///
/// # Errors
/// Faults only.
pub fn recount(tx: &mut Tx, held: &Held, holding: &Holding) -> Result<(), Stop> {
    let cells = sized(held, holding)?;
    tx.adjust(Adjust {
        table: "hold",
        key: vec![("id", Value::from(hold_id(held.order_id).0))],
        add: vec![("version", 1)],
        set: cells,
        also: Vec::new(),
        condition: Some(("\"state\" = 'captured' AND \"bonus\" = ?", vec![held.bonus.0.into()])),
        refusal: None,
    });
    Ok(())
}

fn ended(tx: &Tx, state: HoldState) -> [Cell; 2] {
    let state = Value::from(ActiveEnum::into_value(state));
    [("state", state), ("ended_at", Value::from(tx.now()))]
}

fn sized(held: &Held, holding: &Holding) -> Result<Vec<Cell>, Stop> {
    let mut cells = vec![("amount", Value::from(holding.amount.0))];
    if held.bonus != Money::ZERO || holding.bonus != Money::ZERO {
        let legs = holding.legs.as_ref().map(serde_json::to_value).transpose()?;
        cells.push(("bonus", Value::from(holding.bonus.0)));
        cells.push(("legs", Value::Json(legs.map(Box::new))));
    }
    Ok(cells)
}

/// Changes the hold if it is still open and of this size; otherwise somebody else was faster.
fn turn(tx: &mut Tx, held: &Held, set: Vec<Cell>) {
    tx.adjust(Adjust {
        table: "hold",
        key: vec![("id", Value::from(hold_id(held.order_id).0))],
        add: vec![("version", 1)],
        set,
        also: Vec::new(),
        condition: Some((
            "\"state\" = 'open' AND \"amount\" = ? AND \"bonus\" = ?",
            vec![held.amount.0.into(), held.bonus.0.into()],
        )),
        refusal: None,
    });
}

/// An order has one hold, found by the order's own id.
#[must_use]
pub fn hold_id(order_id: OrderId) -> HoldId {
    HoldId(order_id.0)
}

fn out_of_range() -> Stop {
    Fault::Other("an amount is out of range".to_owned()).into()
}
