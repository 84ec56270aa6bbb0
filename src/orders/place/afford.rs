//! Can a branch pay the commission of one more offer (BAL-3)?
//!
//! The commissions of its unanswered offers are one sum in its wallet. A conditional update adds an
//! offer in the transaction that places the order; answering or ending the offer subtracts it
//! again. Two concurrent placings therefore never spend the same balance.

use entity::value::{Money, PartnerId};

use crate::bonus;
use crate::context::Tx;
use crate::ledger::funds;
use crate::ledger::funds::Funds;
use crate::ledger::post::pending;
use crate::ledger::post::pending::Expected;
use crate::orders::Refusal;
use platform::CommandError;

/// Does the commission fit above the floor, counting usable bonus and the partner's other pending
/// offers, with no restriction (BAL-3)? Advisory: nothing is reserved.
///
/// # Errors
/// A fault when the wallet is missing.
pub(in crate::orders) async fn affords(
    tx: &Tx,
    partner_id: PartnerId,
    due: Money,
    floor: Money,
) -> Result<bool, CommandError> {
    Ok(funds(tx, partner_id).await?.pay(due, floor))
}

/// Adds the offer's commission to the branch's pending sum, if the branch can pay it (BAL-3).
///
/// The first run reads nothing: the balance alone must suffice, or the command runs again. A later
/// run counts the bonus too and commits only at the wallet's version it read.
///
/// # Errors
/// `partner_cannot_take`, or a fault.
pub(in crate::orders) async fn expect(
    tx: &mut Tx,
    partner_id: PartnerId,
    expected: Expected,
) -> Result<(), CommandError> {
    if tx.first_run() {
        pending::add(tx, partner_id, expected, None);
        return Ok(());
    }
    let funds = funds(tx, partner_id).await?;
    if !funds.pay(expected.due, expected.floor) {
        return Err(Refusal::PartnerCannotAfford.into());
    }
    let needs_bonus = !funds.without_bonus().pay(expected.due, expected.floor);
    pending::add(tx, partner_id, expected, needs_bonus.then_some(funds.wallet));
    Ok(())
}

async fn funds(tx: &Tx, partner_id: PartnerId) -> Result<Funds, CommandError> {
    funds::of(tx, partner_id, bonus::read::USABLE).await
}
