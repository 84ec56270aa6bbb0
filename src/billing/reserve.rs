//! Reservations of a client's bonus for an order, to pay with at its end (BON-5).

use entity::hold::{HoldState, Leg, Legs};
use entity::reservation::{self, Model};
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId};

use super::legs::{grown, shrink, sums};
use crate::bonus::purse::Purse;
use crate::bonus::queue::Lifetime;
use crate::bonus::{Owner, Refusal};
use crate::ledger::chart;
use crate::ledger::post::lots::{self, Paid};
use crate::platform::{Stop, Tx};

/// A reservation of a client's bonus for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The order.
    pub order_id: OrderId,
    /// The client.
    pub client_id: PersonId,
    /// The reserved amount.
    pub amount: Money,
}

/// Reserves bonus for a new order.
///
/// # Errors
/// `bonus_insufficient`, or a fault.
pub async fn set_aside(tx: &mut Tx, wanted: Reserved) -> Result<(), Stop> {
    let Reserved { order_id, client_id, amount } = wanted;
    let mut purse = Purse::open(tx, Owner::Client(client_id), &[]).await?;
    let legs = pin(tx, &mut purse, amount)?;
    purse.close(tx)?;
    tx.insert(Model {
        id: order_id,
        client_id,
        amount,
        legs: Legs(legs),
        state: HoldState::Open,
        at: tx.now(),
        ended_at: None,
        version: 1,
    });
    Ok(())
}

fn pin(tx: &Tx, purse: &mut Purse, amount: Money) -> Result<Vec<Leg>, Stop> {
    let usable = purse.usable();
    if amount > usable {
        return Err(Refusal::Insufficient.refused().with("usable", usable).into());
    }
    Ok(purse.queue.pin(amount, tx.now()))
}

/// Increases or decreases the reservation, with the client's consent.
///
/// # Errors
/// `bonus_insufficient`, or a fault.
pub async fn change(tx: &mut Tx, reserved: &Reserved, amount: Money) -> Result<(), Stop> {
    let id = reserved.order_id;
    let Some(row) = tx.find::<reservation::Entity>(id).await? else {
        return set_aside(tx, Reserved { amount, ..*reserved }).await;
    };
    let mut purse = purse_of(tx, &row).await?;
    let legs = if amount > row.amount {
        let more = pin(tx, &mut purse, Money(amount.0 - row.amount.0))?;
        grown(&row.legs, more)
    } else {
        let (kept, gone) = shrink(&row.legs.0, Money(row.amount.0 - amount.0));
        // The client decreased it, so the bonus keeps its original expiry (BON-3).
        purse.give_back(tx, &gone.0, Lifetime::Original, id);
        kept
    };
    purse.close(tx)?;
    tx.update(&row, &Model { amount, legs, ..row.clone() });
    Ok(())
}

/// Pays `amount` from the reservation and returns the rest. The operator then owes the partner what
/// was paid (BON-5).
///
/// # Errors
/// Faults only.
pub async fn pay(
    tx: &mut Tx,
    reserved: &Reserved,
    partner_id: PartnerId,
    amount: Money,
    note: &str,
) -> Result<(), Stop> {
    let row = open(tx, reserved).await?;
    let mut purse = purse_of(tx, &row).await?;
    let (kept, gone) = shrink(&row.legs.0, Money(row.amount.0 - amount.0));
    for (n, leg) in (1..).zip(&kept.0) {
        let account = chart::payable(partner_id);
        let (order_id, kind) = (row.id, "paid_with_bonus");
        let paid = Paid { order_id, account, kind, n, note };
        if let Some(lot) = leg.pin.and_then(|pin| purse.spend(pin.lot, leg.amount)) {
            lots::paid(tx, &lot, leg.amount, paid);
        }
    }
    purse.give_back(tx, &gone.0, Lifetime::Left, row.id);
    purse.close(tx)?;
    let state = if amount.is_positive() { HoldState::Captured } else { HoldState::Released };
    end(tx, &row, state, amount, kept);
    Ok(())
}

/// Releases the reservation with this lifetime (BON-3).
///
/// # Errors
/// Faults only.
pub async fn release(tx: &mut Tx, reserved: &Reserved, lifetime: Lifetime) -> Result<(), Stop> {
    let row = open(tx, reserved).await?;
    let mut purse = purse_of(tx, &row).await?;
    purse.give_back(tx, &row.legs.0, lifetime, row.id);
    purse.close(tx)?;
    let legs = row.legs.clone();
    end(tx, &row, HoldState::Released, row.amount, legs);
    Ok(())
}

fn end(tx: &mut Tx, row: &Model, state: HoldState, amount: Money, legs: Legs) {
    let ended_at = Some(tx.now());
    tx.update(row, &Model { state, amount, legs, ended_at, ..row.clone() });
}

async fn open(tx: &mut Tx, reserved: &Reserved) -> Result<Model, Stop> {
    let row = tx.find::<reservation::Entity>(reserved.order_id).await?;
    let row = Tx::must("reservation", reserved.order_id, row)?;
    // The order was read before the reservation, and another command committed in between.
    let same = row.state == HoldState::Open && sums(&row.legs.0).1 == reserved.amount;
    if same { Ok(row) } else { Err(Stop::Contended) }
}

async fn purse_of(tx: &mut Tx, row: &Model) -> Result<Purse, Stop> {
    let lots: Vec<LotId> = row.legs.0.iter().filter_map(|leg| leg.pin.map(|pin| pin.lot)).collect();
    Purse::open(tx, Owner::Client(row.client_id), &lots).await
}
