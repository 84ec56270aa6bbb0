//! The money of an order's step: the commission held of the partner, and the bonus the client
//! reserved (COM-3, BON-5). The one writer calls it.

use entity::hold::HoldState;
use entity::order::{EndReason, Model};
use entity::value::Money;
use entity::{hold, reservation};

use super::decision::MoneyMove;
use crate::billing::holds::funds::{self, OrderHold};
use crate::billing::holds::reserve::{self, Reserved};
use crate::billing::payouts::payable;
use crate::bonus::queue::Lifetime;
use crate::context::Tx;
use crate::ledger::post::hold::hold_id;
use platform::{CommandError, failure};

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

/// Moves the money of a step; returns the state after it, with the parts that bonus paid.
///
/// # Errors
/// `insufficient_balance` at the flush, or a fault.
pub(super) async fn moved(
    tx: &mut Tx,
    order: &Model,
    mut next: Model,
    money: MoneyMove,
) -> Result<Model, CommandError> {
    let changed = next.commission != order.commission;
    match money {
        MoneyMove::Hold => {
            let (id, partner_id) = (order.id, order.partner_id);
            next.commission_bonus = funds::hold(tx, id, partner_id, next.commission).await?;
        }
        MoneyMove::Resize(limit) if changed => {
            let held = held(order);
            next.commission_bonus = funds::resize(tx, &held, next.commission, limit).await?;
        }
        MoneyMove::Correct => {
            let (held, code) = (held(order), &order.code);
            next.commission_bonus = funds::amend(tx, &held, next.commission, code).await?;
        }
        MoneyMove::Nothing | MoneyMove::Resize(_) => {}
        MoneyMove::Capture => return settle(tx, order, next).await,
        MoneyMove::Reserve => reserve::change(tx, &reserved(order), next.bonus).await?,
        MoneyMove::Release { fault } => release(tx, order, fault).await?,
    }
    Ok(next)
}

/// Captures the commission, pays from the client's reserved bonus, and releases the rest of it.
async fn settle(tx: &mut Tx, order: &Model, mut next: Model) -> Result<Model, CommandError> {
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

/// Releases everything an order holds: the partner's commission, and the bonus the client had
/// reserved. `fault` is the reason, where one of the two caused it.
async fn release(tx: &mut Tx, order: &Model, fault: Option<EndReason>) -> Result<(), CommandError> {
    let (client, partner) = fault.map_or((Lifetime::Left, Lifetime::Left), lifetimes);
    if order.accepted_at.is_some() {
        funds::release(tx, &held(order), partner).await?;
    }
    if order.bonus.is_positive() {
        reserve::release(tx, &reserved(order), client).await?;
    }
    Ok(())
}

/// Support closes an order although a row of what it holds cannot be decoded: that part stays held,
/// and its row is named here, by an alarm and by the proof. Gives the tables of what stays.
///
/// # Errors
/// Faults only.
pub(super) async fn let_go_by_hand(
    tx: &mut Tx,
    order: &Model,
) -> Result<Vec<&'static str>, CommandError> {
    let mut kept = Vec::new();
    if order.accepted_at.is_some() {
        // The balance's part alone is let go without a look at the row, where the row is in order.
        let read = tx.find::<hold::Entity>(hold_id(order.id)).await.map(|_| ());
        let released = match read {
            Ok(()) => funds::release(tx, &held(order), Lifetime::Left).await,
            Err(stop) => Err(stop),
        };
        if failure::alone(released, format!("hold {}", order.id))?.is_none() {
            kept.push("hold");
        }
    }
    if order.bonus.is_positive() {
        let released = reserve::release(tx, &reserved(order), Lifetime::Left).await;
        if failure::alone(released, format!("reservation {}", order.id))?.is_none() {
            kept.push("reservation");
        }
    }
    Ok(kept)
}

/// Lets go what a cancelled order still holds, once its rows were put right by hand.
///
/// # Errors
/// Faults only.
pub(super) async fn let_go_late(tx: &mut Tx, order: &Model) -> Result<(), CommandError> {
    let row = tx.find::<hold::Entity>(hold_id(order.id)).await?;
    if let Some(row) = row.filter(|row| row.state == HoldState::Open) {
        let (order_id, partner_id) = (order.id, order.partner_id);
        let held = OrderHold { order_id, partner_id, amount: row.amount, bonus: row.bonus };
        funds::release(tx, &held, Lifetime::Left).await?;
    }
    let row = tx.find::<reservation::Entity>(order.id).await?;
    if let Some(row) = row.filter(|row| row.state == HoldState::Open) {
        let (order_id, client_id) = (order.id, order.client_id);
        let reserved = Reserved { order_id, client_id, amount: row.amount };
        reserve::release(tx, &reserved, Lifetime::Left).await?;
    }
    Ok(())
}

/// The remaining lifetimes of the client's and the partner's bonus: the party at fault gets the
/// original expiry back, the other the lifetime left when the bonus was held (BON-3).
fn lifetimes(reason: EndReason) -> (Lifetime, Lifetime) {
    use Lifetime::{Left, Original};
    match reason {
        EndReason::ClientCancelled | EndReason::NoShow | EndReason::Burned => (Original, Left),
        EndReason::PartnerCancelled
        | EndReason::NotAdmitted
        | EndReason::Declined
        | EndReason::OfferExpired
        | EndReason::PartnerBlocked => (Left, Original),
        EndReason::SupportCancelled => (Left, Left),
    }
}
