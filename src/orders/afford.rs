//! Can a branch pay the commission of one more offer (BAL-3)?
//!
//! The commissions of its unanswered offers are one sum in its wallet. A conditional update adds an
//! offer in the transaction that places the order; answering or ending the offer subtracts it
//! again. Two concurrent placings therefore never spend the same balance.

use entity::value::{Money, PartnerId};
use sea_orm::{ConnectionTrait as _, Statement, Value};

use super::Refusal;
use crate::context::Tx;
use crate::ledger::post::pending::{self, Expected, WalletAmounts};
use crate::platform::CommandError;

/// The funds of a branch.
struct Funds {
    wallet: WalletAmounts,
    bonus: Money,
    floor: Option<Money>,
    restricted: bool,
}

impl Funds {
    fn pay(&self, due: Money, floor: Money) -> bool {
        let WalletAmounts { posted, held, pending } = self.wallet;
        let left = posted.0 - held.0 - pending.0 + self.bonus.0 - due.0;
        !self.restricted && left >= self.floor.unwrap_or(floor).0
    }
}

/// Does the commission fit above the floor, counting usable bonus and the partner's other pending
/// offers, with no restriction (BAL-3)? Advisory: nothing is reserved.
///
/// # Errors
/// A fault when the wallet is missing.
pub(super) async fn affords(
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
pub(super) async fn expect(
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
    let needs_bonus = !Funds { bonus: Money::ZERO, ..funds }.pay(expected.due, expected.floor);
    pending::add(tx, partner_id, expected, needs_bonus.then_some(funds.wallet));
    Ok(())
}

/// Reads wallet and bonus in one statement, so that both are of the same moment.
async fn funds(tx: &Tx, partner_id: PartnerId) -> Result<Funds, CommandError> {
    let sql = "SELECT w.posted, w.held, w.pending, w.floor, w.restricted, \
               CAST(coalesce((SELECT sum(l.free) FROM lot l WHERE l.owner = w.id AND \
               (l.state = 'queued' OR (l.state = 'running' AND l.expires_at >= $2))), 0) \
               AS bigint) AS bonus FROM wallet w WHERE w.id = $1";
    let statement = Statement::from_sql_and_values(
        tx.db().get_database_backend(),
        sql,
        [Value::from(partner_id.0), Value::from(tx.now())],
    );
    let row = tx.db().query_one_raw(statement).await?;
    let row = Tx::must("wallet", partner_id, row)?;
    let money = |column: &str| row.try_get::<i64>("", column).map(Money);
    Ok(Funds {
        wallet: WalletAmounts {
            posted: money("posted")?,
            held: money("held")?,
            pending: money("pending")?,
        },
        bonus: money("bonus")?,
        floor: row.try_get::<Option<i64>>("", "floor")?.map(Money),
        restricted: row.try_get("", "restricted")?,
    })
}
