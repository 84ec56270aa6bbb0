//! The commission holds of accepted orders on their partners: taken, resized, captured, released
//! (COM-3).

use entity::hold::{self as row, Allocations, HoldState};
use entity::kinds::PostingKind;
use entity::row::Row as _;
use entity::value::{HoldId, Money, OrderId, PartnerId};
use sea_orm::{ActiveEnum, Value};

use super::{Movement, On, change, post, reserve, unrestricted};
use crate::context::Tx;
use crate::ledger::chart;
use platform::engine::write_set::{Cell, RelativeUpdate};
use platform::{CommandError, Fault};

/// The commission hold of an open order, as the order's row states it; the hold itself is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderHold {
    /// The order.
    pub order_id: OrderId,
    /// The partner.
    pub partner_id: PartnerId,
    /// The part held of the balance.
    pub amount: Money,
    /// The part held of the bonus.
    pub bonus: Money,
}

impl OrderHold {
    /// The sum of both parts.
    #[must_use]
    pub fn total(&self) -> Money {
        Money(self.amount.0 + self.bonus.0)
    }
}

/// How low a growing hold may take the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// To the floor (BAL-2).
    Floor,
    /// Without a limit: what was held before is held again.
    None,
}

/// The new content of a hold: its balance part, its bonus part, and with bonus its allocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The part held of the balance.
    pub amount: Money,
    /// The part held of the bonus.
    pub bonus: Money,
    /// The allocations, in the order in which they were taken.
    pub allocations: Option<Allocations>,
}

impl Holding {
    /// A hold of balance alone.
    #[must_use]
    pub fn balance(amount: Money) -> Self {
        Self { amount, bonus: Money::ZERO, allocations: None }
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
pub fn take(
    tx: &mut Tx,
    order: (OrderId, PartnerId),
    holding: Holding,
) -> Result<(), CommandError> {
    let (order_id, partner_id) = order;
    let Holding { amount, bonus, allocations } = holding;
    if amount.is_positive() || bonus == Money::ZERO {
        reserve(tx, partner_id, amount)?;
    } else {
        // Bonus covers all of it, but a restricted branch may accept nothing (BAL-3).
        unrestricted(tx, partner_id);
    }
    tx.insert(row::Model {
        id: hold_id(order_id),
        order_id,
        wallet_id: partner_id.0,
        amount,
        bonus,
        allocations,
        state: HoldState::Open,
        at: tx.now(),
        ended_at: None,
        version: 1,
    });
    Ok(())
}

/// Resizes the hold: growth of the balance part is limited by the floor, shrinkage never is
/// (COM-3).
///
/// # Errors
/// A fault when an amount is out of range.
pub fn resize(
    tx: &mut Tx,
    held: &OrderHold,
    holding: &Holding,
    limit: Limit,
) -> Result<(), CommandError> {
    let growth = holding.amount.minus(held.amount).ok_or_else(out_of_range)?;
    if growth.is_positive() && limit == Limit::Floor {
        reserve(tx, held.partner_id, growth)?;
    } else if growth != Money::ZERO {
        change(tx, held.partner_id, Money::ZERO, growth)?;
    }
    turn(tx, held, sized(held, holding)?);
    Ok(())
}

/// Captures the balance part of the hold as commission; the floor never blocks this (COM-3).
///
/// # Errors
/// Faults only.
pub fn capture(
    tx: &mut Tx,
    held: &OrderHold,
    holding: &Holding,
    note: &str,
) -> Result<(), CommandError> {
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
            kind: PostingKind::Commission,
            subject: held.order_id.0,
            n: 1,
            on: On::order(held.partner_id, held.order_id),
            note,
        },
    );
    Ok(())
}

/// Releases the balance part of the hold (COM-3).
///
/// # Errors
/// Faults only.
pub fn release(tx: &mut Tx, held: &OrderHold) -> Result<(), CommandError> {
    if held.amount != Money::ZERO || held.bonus == Money::ZERO {
        change(tx, held.partner_id, Money::ZERO, Money(-held.amount.0))?;
    }
    let cells = ended(tx, HoldState::Released);
    turn(tx, held, cells.to_vec());
    Ok(())
}

/// Corrects a captured commission by a compensating posting on the balance, the n-th of this order.
///
/// # Errors
/// Faults only.
pub fn amend(
    tx: &mut Tx,
    held: &OrderHold,
    n: i32,
    more: Money,
    note: &str,
) -> Result<(), CommandError> {
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
            kind: PostingKind::CommissionAmended,
            subject: held.order_id.0,
            n,
            on: On::order(held.partner_id, held.order_id),
            note,
        },
    );
    Ok(())
}

/// Records the content of a captured hold after a correction.
///
/// # Errors
/// Faults only.
pub fn recount(tx: &mut Tx, held: &OrderHold, holding: &Holding) -> Result<(), CommandError> {
    let cells = sized(held, holding)?;
    tx.adjust(RelativeUpdate {
        table: entity::hold::Model::TABLE,
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

fn sized(held: &OrderHold, holding: &Holding) -> Result<Vec<Cell>, CommandError> {
    let mut cells = vec![("amount", Value::from(holding.amount.0))];
    if held.bonus != Money::ZERO || holding.bonus != Money::ZERO {
        let allocations = holding.allocations.as_ref().map(serde_json::to_value).transpose()?;
        cells.push(("bonus", Value::from(holding.bonus.0)));
        cells.push(("allocations", Value::Json(allocations.map(Box::new))));
    }
    Ok(cells)
}

/// Changes the hold if it is still open and of this size; otherwise another command committed
/// first.
fn turn(tx: &mut Tx, held: &OrderHold, set: Vec<Cell>) {
    tx.adjust(RelativeUpdate {
        table: entity::hold::Model::TABLE,
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

/// The id of an order's only hold, which equals the order's id.
#[must_use]
pub fn hold_id(order_id: OrderId) -> HoldId {
    HoldId(order_id.0)
}

fn out_of_range() -> CommandError {
    Fault::Other("an amount is out of range".to_owned()).into()
}
