//! Reservations of a client's bonus for an order, to pay with at its end (BON-5).

use entity::hold::{Allocation, Allocations, HoldState};
use entity::kinds::PostingKind;
use entity::reservation::{self, Model};
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId};

use super::allocations::{grown, shrink, sums};
use crate::bonus::account::BonusAccount;
use crate::bonus::queue::Lifetime;
use crate::bonus::{Owner, Refusal};
use crate::context::Tx;
use crate::ledger::chart;
use crate::ledger::post::lots::{self, Paid};
use platform::CommandError;

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
pub async fn set_aside(tx: &mut Tx, wanted: Reserved) -> Result<(), CommandError> {
    let Reserved { order_id, client_id, amount } = wanted;
    let mut bonus_account = BonusAccount::load(tx, Owner::Client(client_id), &[]).await?;
    let allocations = reserve_lots(tx, &mut bonus_account, amount)?;
    bonus_account.save(tx)?;
    tx.insert(Model {
        id: order_id,
        client_id,
        amount,
        allocations: Allocations(allocations),
        state: HoldState::Open,
        at: tx.now(),
        ended_at: None,
        version: 1,
    });
    Ok(())
}

fn reserve_lots(
    tx: &Tx,
    bonus_account: &mut BonusAccount,
    amount: Money,
) -> Result<Vec<Allocation>, CommandError> {
    let usable = bonus_account.usable();
    if amount > usable {
        return Err(Refusal::Insufficient.refused().with("usable", usable).into());
    }
    Ok(bonus_account.queue.reserve(amount, tx.now()))
}

/// Increases or decreases the reservation, with the client's consent.
///
/// # Errors
/// `bonus_insufficient`, or a fault.
pub async fn change(tx: &mut Tx, reserved: &Reserved, amount: Money) -> Result<(), CommandError> {
    let id = reserved.order_id;
    let Some(row) = tx.find::<reservation::Entity>(id).await? else {
        return set_aside(tx, Reserved { amount, ..*reserved }).await;
    };
    let mut bonus_account = bonus_account_of(tx, &row).await?;
    let allocations = if amount > row.amount {
        let more = reserve_lots(tx, &mut bonus_account, Money(amount.0 - row.amount.0))?;
        grown(&row.allocations, more)
    } else {
        let (kept, gone) = shrink(&row.allocations.0, Money(row.amount.0 - amount.0));
        // The client decreased it, so the bonus keeps its original expiry (BON-3).
        bonus_account.release(tx, &gone.0, Lifetime::Original, id);
        kept
    };
    bonus_account.save(tx)?;
    tx.update(&row, &Model { amount, allocations, ..row.clone() });
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
) -> Result<(), CommandError> {
    let row = open(tx, reserved).await?;
    let mut bonus_account = bonus_account_of(tx, &row).await?;
    let (kept, gone) = shrink(&row.allocations.0, Money(row.amount.0 - amount.0));
    for (n, allocation) in (1..).zip(&kept.0) {
        let account = chart::payable(partner_id);
        let (order_id, kind) = (row.id, PostingKind::PaidWithBonus);
        let paid = Paid { order_id, account, kind, n, note };
        if let Some(lot) =
            allocation.pin.and_then(|pin| bonus_account.spend(pin.lot, allocation.amount))
        {
            lots::paid(tx, &lot, allocation.amount, paid);
        }
    }
    bonus_account.release(tx, &gone.0, Lifetime::Left, row.id);
    bonus_account.save(tx)?;
    let state = if amount.is_positive() { HoldState::Captured } else { HoldState::Released };
    end(tx, &row, state, amount, kept);
    Ok(())
}

/// Releases the reservation with this lifetime (BON-3).
///
/// # Errors
/// Faults only.
pub async fn release(
    tx: &mut Tx,
    reserved: &Reserved,
    lifetime: Lifetime,
) -> Result<(), CommandError> {
    let row = open(tx, reserved).await?;
    let mut bonus_account = bonus_account_of(tx, &row).await?;
    bonus_account.release(tx, &row.allocations.0, lifetime, row.id);
    bonus_account.save(tx)?;
    let allocations = row.allocations.clone();
    end(tx, &row, HoldState::Released, row.amount, allocations);
    Ok(())
}

fn end(tx: &mut Tx, row: &Model, state: HoldState, amount: Money, allocations: Allocations) {
    let ended_at = Some(tx.now());
    tx.update(row, &Model { state, amount, allocations, ended_at, ..row.clone() });
}

async fn open(tx: &mut Tx, reserved: &Reserved) -> Result<Model, CommandError> {
    let row = tx.find::<reservation::Entity>(reserved.order_id).await?;
    let row = Tx::must("reservation", reserved.order_id, row)?;
    // The order was read before the reservation, and another command committed in between.
    let same = row.state == HoldState::Open && sums(&row.allocations.0).1 == reserved.amount;
    if same { Ok(row) } else { Err(CommandError::Contended) }
}

async fn bonus_account_of(tx: &mut Tx, row: &Model) -> Result<BonusAccount, CommandError> {
    let lots: Vec<LotId> = row
        .allocations
        .0
        .iter()
        .filter_map(|allocation| allocation.pin.map(|pin| pin.lot))
        .collect();
    BonusAccount::load(tx, Owner::Client(row.client_id), &lots).await
}
