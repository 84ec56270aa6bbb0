//! The only writer of wallets, holds and postings.

use entity::hold::HoldState;
use entity::value::{HoldId, Money, OrderId, PartnerId, PostingId};
use entity::wallet::WalletKind;
use entity::{hold, posting, wallet};
use sea_orm::Value;
use uuid::Uuid;

use super::{Refusal, chart};
use crate::platform::write_set::Adjust;
use crate::platform::{Fault, Stop, Tx};

/// One movement of money.
pub struct Movement<'a> {
    /// Account that loses.
    pub debit: String,
    /// Account that gains.
    pub credit: String,
    /// Above zero.
    pub amount: Money,
    /// Why.
    pub kind: &'a str,
    /// The order or act that caused it.
    pub subject: Uuid,
    /// 1, 2, 3 … within kind and subject: the natural key.
    pub n: i32,
    /// On whose statement it stands.
    pub partner_id: PartnerId,
    /// For people.
    pub note: &'a str,
}

/// A new partner's wallet.
pub fn open_wallet(tx: &mut Tx, partner_id: PartnerId) {
    tx.insert(wallet::Model {
        id: partner_id.0,
        kind: WalletKind::Partner,
        posted: Money::ZERO,
        held: Money::ZERO,
        floor: None,
    });
}

/// Holds the commission of an order, unless that would take the available balance below the floor
/// (BAL-2).
///
/// # Source
/// COM-3, BAL-2, §6.4: exactly the floor is allowed.
pub fn hold(tx: &mut Tx, order_id: OrderId, partner_id: PartnerId, amount: Money, floor: Money) {
    reserve(tx, partner_id, amount, floor);
    tx.insert(hold::Model {
        id: hold_id(order_id),
        order_id,
        wallet_id: partner_id.0,
        amount,
        state: HoldState::Open,
        at: tx.now(),
        ended_at: None,
        version: 1,
    });
}

/// Sizes the hold anew: growth meets the floor, shrinkage never does (COM-3).
///
/// # Errors
/// A fault when the hold is missing.
pub async fn resize(
    tx: &mut Tx,
    order_id: OrderId,
    amount: Money,
    floor: Money,
) -> Result<(), Stop> {
    let old = open_hold(tx, order_id).await?;
    let partner_id = PartnerId(old.wallet_id);
    let growth = difference(amount, old.amount)?;
    if growth.is_positive() {
        reserve(tx, partner_id, growth, floor);
    } else if growth != Money::ZERO {
        change(tx, partner_id, &[("held", growth.0)]);
    }
    tx.update(&old, &hold::Model { amount, ..old.clone() });
    Ok(())
}

/// Turns the hold into commission on the final amount; never blocked by the floor (COM-3).
///
/// # Errors
/// A fault when the hold is missing.
pub async fn capture(
    tx: &mut Tx,
    order_id: OrderId,
    amount: Money,
    note: &str,
) -> Result<(), Stop> {
    let old = open_hold(tx, order_id).await?;
    let partner_id = PartnerId(old.wallet_id);
    change(tx, partner_id, &[("posted", -amount.0), ("held", -old.amount.0)]);
    end(tx, &old, HoldState::Captured);
    post(
        tx,
        Movement {
            debit: chart::partner(partner_id),
            credit: chart::COMMISSION.to_owned(),
            amount,
            kind: "commission",
            subject: order_id.0,
            n: 1,
            partner_id,
            note,
        },
    );
    Ok(())
}

/// Lets the hold go back to where it came from (COM-3).
///
/// # Errors
/// A fault when the hold is missing.
pub async fn release(tx: &mut Tx, order_id: OrderId) -> Result<(), Stop> {
    let old = open_hold(tx, order_id).await?;
    change(tx, PartnerId(old.wallet_id), &[("held", -old.amount.0)]);
    end(tx, &old, HoldState::Released);
    Ok(())
}

/// Corrects a captured commission by a compensating posting, the n-th of this order.
pub fn amend(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    n: i32,
    more: Money,
    note: &str,
) {
    if more == Money::ZERO {
        return;
    }
    change(tx, partner_id, &[("posted", -more.0)]);
    let (partner, operator) = (chart::partner(partner_id), chart::COMMISSION.to_owned());
    let owed = more.is_positive();
    let (debit, credit) = if owed { (partner, operator) } else { (operator, partner) };
    post(
        tx,
        Movement {
            debit,
            credit,
            amount: Money(more.0.abs()),
            kind: "commission_amended",
            subject: order_id.0,
            n,
            partner_id,
            note,
        },
    );
}

/// Credits a partner's balance with money support received outside the app.
pub fn credit(tx: &mut Tx, partner_id: PartnerId, amount: Money, act: Uuid, note: &str) {
    change(tx, partner_id, &[("posted", amount.0)]);
    post(
        tx,
        Movement {
            debit: chart::RECEIVED.to_owned(),
            credit: chart::partner(partner_id),
            amount,
            kind: "credit",
            subject: act,
            n: 1,
            partner_id,
            note,
        },
    );
}

fn post(tx: &mut Tx, movement: Movement<'_>) {
    if !movement.amount.is_positive() {
        return;
    }
    tx.insert(posting::Model {
        id: PostingId::new(),
        debit: movement.debit,
        credit: movement.credit,
        amount: movement.amount,
        kind: movement.kind.to_owned(),
        subject: movement.subject,
        n: movement.n,
        partner_id: Some(movement.partner_id),
        at: tx.now(),
        note: movement.note.to_owned(),
    });
}

/// Takes from the available balance if that leaves it at the floor or above.
fn reserve(tx: &mut Tx, partner_id: PartnerId, amount: Money, floor: Money) {
    tx.adjust(Adjust {
        table: "wallet",
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("held", amount.0)],
        condition: Some((
            "\"posted\" - \"held\" - ? >= coalesce(\"floor\", ?)",
            vec![Value::from(amount.0), Value::from(floor.0)],
        )),
        refusal: Refusal::InsufficientBalance.refused().with("needed", amount),
    });
}

fn change(tx: &mut Tx, partner_id: PartnerId, add: &[(&'static str, i64)]) {
    tx.adjust(Adjust {
        table: "wallet",
        key: vec![("id", Value::from(partner_id.0))],
        add: add.to_vec(),
        condition: None,
        refusal: Refusal::NoSuchPartner.refused(),
    });
}

fn end(tx: &mut Tx, old: &hold::Model, state: HoldState) {
    let ended_at = Some(tx.now());
    tx.update(old, &hold::Model { state, ended_at, ..old.clone() });
}

/// An order has one hold, found by the order's own id.
fn hold_id(order_id: OrderId) -> HoldId {
    HoldId(order_id.0)
}

async fn open_hold(tx: &mut Tx, order_id: OrderId) -> Result<hold::Model, Stop> {
    let id = hold_id(order_id);
    let row = tx.find::<hold::Entity>(id).await?;
    let row = Tx::must("hold", id, row)?;
    if row.state == HoldState::Open { Ok(row) } else { Err(Stop::Contended) }
}

fn difference(a: Money, b: Money) -> Result<Money, Stop> {
    a.minus(b).ok_or_else(|| Fault::Other("an amount is out of range".to_owned()).into())
}
