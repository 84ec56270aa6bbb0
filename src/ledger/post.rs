//! The only writer of wallets, holds and postings.

use entity::hold::HoldState;
use entity::value::{HoldId, Money, OrderId, PartnerId, PenaltyId, PostingId};
use entity::wallet::WalletKind;
use entity::{hold, posting, wallet};
use sea_orm::{ActiveEnum, Value};
use uuid::Uuid;

use super::split::Split;
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
    /// On whose statement it stands, if on any.
    pub partner_id: Option<PartnerId>,
    /// For people.
    pub note: &'a str,
}

/// What an open order holds: its commission, of its partner. Nobody has to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The order.
    pub order_id: OrderId,
    /// Whose money.
    pub partner_id: PartnerId,
    /// How much.
    pub amount: Money,
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
/// A fault when an amount is out of range.
pub fn resize(tx: &mut Tx, held: &Held, amount: Money, floor: Money) -> Result<(), Stop> {
    let growth = amount.minus(held.amount).ok_or_else(out_of_range)?;
    if growth.is_positive() {
        reserve(tx, held.partner_id, growth, floor);
    } else if growth != Money::ZERO {
        change(tx, held.partner_id, &[("held", growth.0)]);
    }
    turn(tx, held, vec![("amount", Value::from(amount.0))]);
    Ok(())
}

/// Turns the hold into commission on the final amount; never blocked by the floor (COM-3).
pub fn capture(tx: &mut Tx, held: &Held, amount: Money, note: &str) {
    change(tx, held.partner_id, &[("posted", -amount.0), ("held", -held.amount.0)]);
    end(tx, held, HoldState::Captured);
    post(
        tx,
        Movement {
            debit: chart::partner(held.partner_id),
            credit: chart::COMMISSION.to_owned(),
            amount,
            kind: "commission",
            subject: held.order_id.0,
            n: 1,
            partner_id: Some(held.partner_id),
            note,
        },
    );
}

/// Lets the hold go back to where it came from (COM-3).
pub fn release(tx: &mut Tx, held: &Held) {
    change(tx, held.partner_id, &[("held", -held.amount.0)]);
    end(tx, held, HoldState::Released);
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
            partner_id: Some(partner_id),
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
            partner_id: Some(partner_id),
            note,
        },
    );
}

/// Money that came for a penalty, or goes back: the n-th act about it.
pub struct Act<'a> {
    /// The penalty.
    pub penalty_id: PenaltyId,
    /// Whose share it is.
    pub partner_id: PartnerId,
    /// 1, 2, 3 … within the penalty.
    pub n: i32,
    /// For people.
    pub note: &'a str,
}

/// Shares money that was received for a penalty (PEN-5).
pub fn share(tx: &mut Tx, act: &Act<'_>, parts: Split) {
    let (partner, operator) = (chart::partner(act.partner_id), chart::PENALTIES.to_owned());
    let received = || chart::RECEIVED.to_owned();
    change_by(tx, act.partner_id, parts.partner);
    let own = Some(act.partner_id);
    part(tx, act, "penalty_share", (received(), partner), parts.partner, own);
    part(tx, act, "penalty_fee", (received(), operator), parts.operator, None);
}

/// Gives both shares back to where they came from, even below the floor (PEN-7).
pub fn share_back(tx: &mut Tx, act: &Act<'_>, parts: Split) {
    let (partner, operator) = (chart::partner(act.partner_id), chart::PENALTIES.to_owned());
    let received = || chart::RECEIVED.to_owned();
    change_by(tx, act.partner_id, Money(-parts.partner.0));
    let own = Some(act.partner_id);
    part(tx, act, "penalty_share_back", (partner, received()), parts.partner, own);
    part(tx, act, "penalty_fee_back", (operator, received()), parts.operator, None);
}

fn part(
    tx: &mut Tx,
    act: &Act<'_>,
    kind: &str,
    (debit, credit): (String, String),
    amount: Money,
    partner_id: Option<PartnerId>,
) {
    let (subject, n, note) = (act.penalty_id.0, act.n, act.note);
    post(tx, Movement { debit, credit, amount, kind, subject, n, partner_id, note });
}

fn change_by(tx: &mut Tx, partner_id: PartnerId, amount: Money) {
    if amount != Money::ZERO {
        change(tx, partner_id, &[("posted", amount.0)]);
    }
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
        partner_id: movement.partner_id,
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
        set: Vec::new(),
        condition: Some((
            "\"posted\" - \"held\" - ? >= coalesce(\"floor\", ?)",
            vec![Value::from(amount.0), Value::from(floor.0)],
        )),
        refusal: Some(Refusal::InsufficientBalance.refused().with("needed", amount)),
    });
}

fn change(tx: &mut Tx, partner_id: PartnerId, add: &[(&'static str, i64)]) {
    tx.adjust(Adjust {
        table: "wallet",
        key: vec![("id", Value::from(partner_id.0))],
        add: add.to_vec(),
        set: Vec::new(),
        condition: None,
        refusal: Some(Refusal::NoSuchPartner.refused()),
    });
}

fn end(tx: &mut Tx, held: &Held, state: HoldState) {
    let state = Value::from(ActiveEnum::into_value(state));
    turn(tx, held, vec![("state", state), ("ended_at", Value::from(tx.now()))]);
}

/// Changes the hold if it is still open and of this amount; otherwise somebody else was faster.
fn turn(tx: &mut Tx, held: &Held, set: Vec<(&'static str, Value)>) {
    tx.adjust(Adjust {
        table: "hold",
        key: vec![("id", Value::from(hold_id(held.order_id).0))],
        add: vec![("version", 1)],
        set,
        condition: Some(("\"state\" = 'open' AND \"amount\" = ?", vec![held.amount.0.into()])),
        refusal: None,
    });
}

/// An order has one hold, found by the order's own id.
fn hold_id(order_id: OrderId) -> HoldId {
    HoldId(order_id.0)
}

fn out_of_range() -> Stop {
    Fault::Other("an amount is out of range".to_owned()).into()
}
