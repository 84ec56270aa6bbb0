//! The commission hold of an accepted order on its partner: bonus first, then balance (COM-3).
//!
//! A hold without bonus is changed without reading anything, because the order's row states the
//! amount. With bonus, a command loads the partner's bonus account once, changes it and saves it.

use entity::hold::{self, Allocation, Allocations, HoldState};
use entity::kinds::{Intent, PostingKind};
use entity::value::{LotId, Money, OrderId, PartnerId};
use entity::wallet;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::allocations::{balance, grown, shrink, sums};
use crate::bonus::Owner;
use crate::bonus::account::BonusAccount;
use crate::bonus::queue::Lifetime;
use crate::context::Tx;
use crate::ledger::post::hold::{self as post, Holding, hold_id};
pub use crate::ledger::post::hold::{Limit, OrderHold};
use crate::ledger::post::lots::{self, Paid};
use crate::ledger::{self, chart};
use platform::CommandError;

/// Holds the commission; returns the bonus part.
///
/// # Errors
/// `insufficient_balance` at the flush, or a fault.
pub async fn hold(
    tx: &mut Tx,
    order_id: OrderId,
    partner_id: PartnerId,
    amount: Money,
) -> Result<Money, CommandError> {
    unrestricted(tx, partner_id).await?;
    let nothing = OrderHold { order_id, partner_id, amount: Money::ZERO, bonus: Money::ZERO };
    let mut fitting = HoldAllocator::load(tx, nothing, true).await?;
    fitting.fit(tx, amount);
    let holding = fitting.save(tx)?;
    let bonus = holding.bonus;
    post::take(tx, (order_id, partner_id), holding)?;
    Ok(bonus)
}

/// Refuses if the balance is restricted. Checked only when the command runs again: on its first run
/// the commit checks it. So the restriction is reported before an insufficient balance (BAL-3).
async fn unrestricted(tx: &mut Tx, partner_id: PartnerId) -> Result<(), CommandError> {
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
pub async fn resize(
    tx: &mut Tx,
    held: &OrderHold,
    amount: Money,
    limit: Limit,
) -> Result<Money, CommandError> {
    let grows = amount > held.total();
    if grows && limit == Limit::Floor {
        unrestricted(tx, held.partner_id).await?;
    }
    let holding = if held.bonus == Money::ZERO && !grows {
        Holding::balance(amount)
    } else {
        let mut fitting = HoldAllocator::load(tx, *held, grows).await?;
        fitting.fit(tx, amount);
        fitting.save(tx)?
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
pub async fn capture(
    tx: &mut Tx,
    held: &OrderHold,
    amount: Money,
    note: &str,
) -> Result<Money, CommandError> {
    let grows = amount > held.total();
    let holding = if held.bonus == Money::ZERO && !grows {
        Holding::balance(amount)
    } else {
        let mut fitting = HoldAllocator::load(tx, *held, grows).await?;
        fitting.fit(tx, amount);
        fitting.spend(tx, note);
        fitting.save(tx)?
    };
    let bonus = holding.bonus;
    post::capture(tx, held, &holding, note)?;
    Ok(bonus)
}

/// Releases the hold: each part returns to its source, bonus with this lifetime (BON-3).
///
/// # Errors
/// Faults only.
pub async fn release(
    tx: &mut Tx,
    held: &OrderHold,
    lifetime: Lifetime,
) -> Result<(), CommandError> {
    if held.bonus != Money::ZERO {
        let mut fitting = HoldAllocator::load(tx, *held, false).await?;
        let allocations = std::mem::take(&mut fitting.allocations);
        fitting.release(tx, &allocations.0, lifetime);
        fitting.save(tx)?;
    }
    post::release(tx, held)
}

/// Corrects a captured commission: an increase is taken from the balance, a decrease returns to its
/// source; returns the new bonus part.
///
/// # Errors
/// Faults only.
pub async fn amend(
    tx: &mut Tx,
    held: &OrderHold,
    due: Money,
    note: &str,
) -> Result<Money, CommandError> {
    let growth = Money(due.0 - held.total().0);
    let n = amendments(tx, held.order_id).await? + 1;
    if held.bonus == Money::ZERO {
        post::amend(tx, held, n, growth, note)?;
        return Ok(Money::ZERO);
    }
    let mut fitting = HoldAllocator::load(tx, *held, false).await?;
    let mut more = growth;
    if growth.is_positive() {
        fitting.allocations = grown(&fitting.allocations, balance(growth).0);
    } else {
        let (kept, gone) = shrink(&fitting.allocations.0, Money(-growth.0));
        fitting.unspend(tx, &gone.0, note, n);
        fitting.release(tx, &gone.0, Lifetime::Left);
        fitting.allocations = kept;
        more = Money(-sums(&gone.0).0.0);
    }
    let holding = fitting.save(tx)?;
    post::amend(tx, held, n, more, note)?;
    post::recount(tx, held, &holding)?;
    Ok(holding.bonus)
}

/// A hold that is being changed, with the partner's bonus account where bonus is part of it.
struct HoldAllocator {
    held: OrderHold,
    allocations: Allocations,
    bonus_account: Option<BonusAccount>,
}

impl HoldAllocator {
    async fn load(tx: &mut Tx, held: OrderHold, grows: bool) -> Result<Self, CommandError> {
        let allocations = allocations_of(tx, &held).await?;
        let lots: Vec<LotId> = allocations
            .0
            .iter()
            .filter_map(|allocation| allocation.pin.map(|pin| pin.lot))
            .collect();
        let owner = Owner::Partner(held.partner_id);
        let bonus_account = match (lots.is_empty(), grows) {
            (false, _) => Some(BonusAccount::load(tx, owner, &lots).await?),
            (true, true) => BonusAccount::load_live(tx, owner).await?,
            (true, false) => None,
        };
        Ok(Self { held, allocations, bonus_account })
    }

    /// Changes the total to `amount`: growth takes bonus first and then balance, shrinkage returns
    /// allocations from the end.
    fn fit(&mut self, tx: &mut Tx, amount: Money) {
        let growth = Money(amount.0 - self.held.total().0);
        if growth.is_positive() {
            let now = tx.now();
            let pins = self
                .bonus_account
                .as_mut()
                .map(|bonus_account| bonus_account.queue.reserve(growth, now));
            let pins = pins.unwrap_or_default();
            let rest = Money(growth.0 - sums(&pins).1.0);
            self.allocations = grown(&grown(&self.allocations, pins), balance(rest).0);
        } else {
            let (kept, gone) = shrink(&self.allocations.0, Money(-growth.0));
            self.release(tx, &gone.0, Lifetime::Left);
            self.allocations = kept;
        }
    }

    fn release(&mut self, tx: &mut Tx, allocations: &[Allocation], lifetime: Lifetime) {
        if let Some(bonus_account) = &mut self.bonus_account {
            bonus_account.release(tx, allocations, lifetime, self.held.order_id);
        }
    }

    /// Pays the commission from the bonus allocations.
    fn spend(&mut self, tx: &mut Tx, note: &str) {
        let Some(bonus_account) = &mut self.bonus_account else { return };
        for (n, (lot, amount)) in (1..).zip(reserved(&self.allocations.0)) {
            let paid = self.held.paid(PostingKind::CommissionBonus, n, note);
            if let Some(lot) = bonus_account.spend(lot, amount) {
                lots::paid(tx, &lot, amount, paid);
            }
        }
    }

    /// Returns to the bonus allocations what they paid.
    fn unspend(&mut self, tx: &mut Tx, allocations: &[Allocation], note: &str, n: i32) {
        let Some(bonus_account) = &mut self.bonus_account else { return };
        for (i, (lot, amount)) in (0..PARTS_MAX).zip(reserved(allocations)) {
            let paid = self.held.paid(PostingKind::CommissionBonusAmended, n * PARTS_MAX + i, note);
            if let Some(lot) = bonus_account.unspend(lot, amount) {
                lots::refunded(tx, &lot, amount, paid);
            }
        }
    }

    fn save(self, tx: &mut Tx) -> Result<Holding, CommandError> {
        if let Some(bonus_account) = self.bonus_account {
            bonus_account.save(tx)?;
        }
        let (amount, bonus) = sums(&self.allocations.0);
        let mixed = bonus != Money::ZERO;
        Ok(Holding { amount, bonus, allocations: mixed.then_some(self.allocations) })
    }
}

/// Maximum number of allocations of one hold; it spaces the posting numbers of corrections.
const PARTS_MAX: i32 = 1_000;

impl OrderHold {
    fn paid<'a>(&self, kind: PostingKind, n: i32, note: &'a str) -> Paid<'a> {
        Paid { order_id: self.order_id, account: chart::COMMISSION.to_owned(), kind, n, note }
    }
}

/// The allocations that are bonus.
fn reserved(allocations: &[Allocation]) -> impl Iterator<Item = (LotId, Money)> {
    allocations
        .iter()
        .filter_map(|allocation| allocation.pin.map(|pin| (pin.lot, allocation.amount)))
}

/// The allocations of an order's hold.
async fn allocations_of(tx: &mut Tx, held: &OrderHold) -> Result<Allocations, CommandError> {
    if held.bonus == Money::ZERO {
        return Ok(balance(held.amount));
    }
    let id = hold_id(held.order_id);
    let row = tx.find::<hold::Entity>(id).await?;
    let row = Tx::must("hold", id, row)?;
    match row.allocations {
        // The order was read before the hold, and another command committed in between.
        Some(allocations) if row.state != HoldState::Released && row.bonus == held.bonus => {
            Ok(allocations)
        }
        Some(_) | None => Err(CommandError::Contended),
    }
}

async fn amendments(tx: &Tx, order_id: OrderId) -> Result<i32, CommandError> {
    use entity::order_step::{Column, Entity};
    let n = Entity::find()
        .filter(Column::OrderId.eq(order_id))
        .filter(Column::Intent.is_in([Intent::Amend, Intent::ConfirmAmount]))
        .count(tx.db())
        .await?;
    Ok(i32::try_from(n).unwrap_or(i32::MAX / PARTS_MAX - 1))
}
