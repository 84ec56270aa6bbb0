//! The commission hold of an accepted order on its partner: bonus first, then balance (COM-3).
//!
//! A hold without bonus is changed without reading anything, because the order's row states the
//! amount. With bonus, a command loads the partner's bonus account once, changes it and saves it.

use entity::hold::{self, HoldState, Leg, Legs};
use entity::value::{LotId, Money, OrderId, PartnerId};
use entity::wallet;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::legs::{balance, grown, shrink, sums};
use crate::bonus::Owner;
use crate::bonus::purse::Purse;
use crate::bonus::queue::Lifetime;
use crate::ledger::post::hold::{self as post, Holding, hold_id};
pub use crate::ledger::post::hold::{Held, Limit};
use crate::ledger::post::lots::{self, Paid};
use crate::ledger::{self, chart};
use crate::platform::{Stop, Tx};

/// Holds the commission; returns the bonus part.
///
/// # Errors
/// `insufficient_balance` at the flush, or a fault.
pub async fn hold(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    amount: Money,
) -> Result<Money, Stop> {
    unrestricted(tx, partner_id).await?;
    let nothing = Held { order_id, partner_id, amount: Money::ZERO, bonus: Money::ZERO };
    let mut fitting = Fitting::open(tx, nothing, true).await?;
    fitting.fit(tx, amount);
    let holding = fitting.close(tx)?;
    let bonus = holding.bonus;
    post::take(tx, (order_id, partner_id), holding)?;
    Ok(bonus)
}

/// Refuses if the balance is restricted. Checked only when the command runs again: on its first run
/// the commit checks it. So the restriction is reported before an insufficient balance (BAL-3).
async fn unrestricted(tx: &mut Tx, partner_id: PartnerId) -> Result<(), Stop> {
    if tx.first_run() {
        return Ok(());
    }
    let wallet = tx.find::<wallet::Entity>(partner_id.0).await?;
    match wallet.filter(|wallet| wallet.restricted) {
        Some(_) => Err(ledger::Refusal::Restricted.into()),
        None => Ok(()),
    }
}

/// Changes the amount of the hold; returns the new bonus part.
///
/// # Errors
/// `insufficient_balance` at the flush, or a fault.
pub async fn resize(tx: &mut Tx, held: &Held, amount: Money, limit: Limit) -> Result<Money, Stop> {
    let grows = amount > held.total();
    if grows && limit == Limit::Floor {
        unrestricted(tx, held.partner_id).await?;
    }
    let holding = if held.bonus == Money::ZERO && !grows {
        Holding::balance(amount)
    } else {
        let mut fitting = Fitting::open(tx, *held, grows).await?;
        fitting.fit(tx, amount);
        fitting.close(tx)?
    };
    let bonus = holding.bonus;
    post::resize(tx, held, &holding, limit)?;
    Ok(bonus)
}

/// Captures the hold as commission on the final amount, taking or returning the difference; returns
/// the bonus part.
///
/// # Errors
/// Faults only.
pub async fn capture(tx: &mut Tx, held: &Held, amount: Money, note: &str) -> Result<Money, Stop> {
    let grows = amount > held.total();
    let holding = if held.bonus == Money::ZERO && !grows {
        Holding::balance(amount)
    } else {
        let mut fitting = Fitting::open(tx, *held, grows).await?;
        fitting.fit(tx, amount);
        fitting.spend(tx, note);
        fitting.close(tx)?
    };
    let bonus = holding.bonus;
    post::capture(tx, held, &holding, note)?;
    Ok(bonus)
}

/// Releases the hold: each part returns to its source, bonus with this lifetime (BON-3).
///
/// # Errors
/// Faults only.
pub async fn release(tx: &mut Tx, held: &Held, lifetime: Lifetime) -> Result<(), Stop> {
    if held.bonus != Money::ZERO {
        let mut fitting = Fitting::open(tx, *held, false).await?;
        let legs = std::mem::take(&mut fitting.legs);
        fitting.give_back(tx, &legs.0, lifetime);
        fitting.close(tx)?;
    }
    post::release(tx, held)
}

/// Corrects a captured commission: an increase is taken from the balance, a decrease returns to its
/// source; returns the new bonus part.
///
/// # Errors
/// Faults only.
pub async fn amend(tx: &mut Tx, held: &Held, due: Money, note: &str) -> Result<Money, Stop> {
    let growth = Money(due.0 - held.total().0);
    let n = amendments(tx, held.order_id).await? + 1;
    if held.bonus == Money::ZERO {
        post::amend(tx, held, n, growth, note)?;
        return Ok(Money::ZERO);
    }
    let mut fitting = Fitting::open(tx, *held, false).await?;
    let mut more = growth;
    if growth.is_positive() {
        fitting.legs = grown(&fitting.legs, balance(growth).0);
    } else {
        let (kept, gone) = shrink(&fitting.legs.0, Money(-growth.0));
        fitting.unspend(tx, &gone.0, note, n);
        fitting.give_back(tx, &gone.0, Lifetime::Left);
        fitting.legs = kept;
        more = Money(-sums(&gone.0).0.0);
    }
    let holding = fitting.close(tx)?;
    post::amend(tx, held, n, more, note)?;
    post::recount(tx, held, &holding)?;
    Ok(holding.bonus)
}

/// A hold that is being changed, with the partner's bonus account where bonus is part of it.
struct Fitting {
    held: Held,
    legs: Legs,
    purse: Option<Purse>,
}

impl Fitting {
    async fn open(tx: &mut Tx, held: Held, grows: bool) -> Result<Self, Stop> {
        let legs = legs_of(tx, &held).await?;
        let lots: Vec<LotId> = legs.0.iter().filter_map(|leg| leg.pin.map(|pin| pin.lot)).collect();
        let owner = Owner::Partner(held.partner_id);
        let purse = match (lots.is_empty(), grows) {
            (false, _) => Some(Purse::open(tx, owner, &lots).await?),
            (true, true) => Purse::open_live(tx, owner).await?,
            (true, false) => None,
        };
        Ok(Self { held, legs, purse })
    }

    /// Changes the total to `amount`: growth takes bonus first and then balance, shrinkage returns
    /// allocations from the end.
    fn fit(&mut self, tx: &mut Tx, amount: Money) {
        let growth = Money(amount.0 - self.held.total().0);
        if growth.is_positive() {
            let now = tx.now();
            let pins = self.purse.as_mut().map(|purse| purse.queue.pin(growth, now));
            let pins = pins.unwrap_or_default();
            let rest = Money(growth.0 - sums(&pins).1.0);
            self.legs = grown(&grown(&self.legs, pins), balance(rest).0);
        } else {
            let (kept, gone) = shrink(&self.legs.0, Money(-growth.0));
            self.give_back(tx, &gone.0, Lifetime::Left);
            self.legs = kept;
        }
    }

    fn give_back(&mut self, tx: &mut Tx, legs: &[Leg], lifetime: Lifetime) {
        if let Some(purse) = &mut self.purse {
            purse.give_back(tx, legs, lifetime, self.held.order_id);
        }
    }

    /// Pays the commission from the bonus allocations.
    fn spend(&mut self, tx: &mut Tx, note: &str) {
        let Some(purse) = &mut self.purse else { return };
        for (n, (lot, amount)) in (1..).zip(pinned(&self.legs.0)) {
            let paid = self.held.paid("commission_bonus", n, note);
            if let Some(lot) = purse.spend(lot, amount) {
                lots::paid(tx, &lot, amount, paid);
            }
        }
    }

    /// Returns to the bonus allocations what they paid.
    fn unspend(&mut self, tx: &mut Tx, legs: &[Leg], note: &str, n: i32) {
        let Some(purse) = &mut self.purse else { return };
        for (i, (lot, amount)) in (0..PARTS_MAX).zip(pinned(legs)) {
            let paid = self.held.paid("commission_bonus_amended", n * PARTS_MAX + i, note);
            if let Some(lot) = purse.unspend(lot, amount) {
                lots::refunded(tx, &lot, amount, paid);
            }
        }
    }

    fn close(self, tx: &mut Tx) -> Result<Holding, Stop> {
        if let Some(purse) = self.purse {
            purse.close(tx)?;
        }
        let (amount, bonus) = sums(&self.legs.0);
        let mixed = bonus != Money::ZERO;
        Ok(Holding { amount, bonus, legs: mixed.then_some(self.legs) })
    }
}

/// Maximum number of allocations of one hold; it spaces the posting numbers of corrections.
const PARTS_MAX: i32 = 1_000;

impl Held {
    fn paid<'a>(&self, kind: &'a str, n: i32, note: &'a str) -> Paid<'a> {
        Paid { order_id: self.order_id, account: chart::COMMISSION.to_owned(), kind, n, note }
    }
}

/// The allocations that are bonus.
fn pinned(legs: &[Leg]) -> impl Iterator<Item = (LotId, Money)> {
    legs.iter().filter_map(|leg| leg.pin.map(|pin| (pin.lot, leg.amount)))
}

/// The allocations of an order's hold.
async fn legs_of(tx: &mut Tx, held: &Held) -> Result<Legs, Stop> {
    if held.bonus == Money::ZERO {
        return Ok(balance(held.amount));
    }
    let id = hold_id(held.order_id);
    let row = tx.find::<hold::Entity>(id).await?;
    let row = Tx::must("hold", id, row)?;
    match row.legs {
        // The order was read before the hold, and another command committed in between.
        Some(legs) if row.state != HoldState::Released && row.bonus == held.bonus => Ok(legs),
        Some(_) | None => Err(Stop::Contended),
    }
}

async fn amendments(tx: &Tx, order_id: OrderId) -> Result<i32, Stop> {
    use entity::order_step::{Column, Entity};
    let n = Entity::find()
        .filter(Column::OrderId.eq(order_id))
        .filter(Column::Intent.is_in(["amend", "confirm_amount"]))
        .count(tx.db())
        .await?;
    Ok(i32::try_from(n).unwrap_or(i32::MAX / PARTS_MAX - 1))
}
