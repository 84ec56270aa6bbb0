//! The funds of a branch: its wallet and its usable bonus, of one moment (BAL-3).

use entity::value::{Money, PartnerId};
use sea_orm::{ConnectionTrait as _, Statement, Value};

use super::post::pending::WalletAmounts;
use crate::context::Tx;
use platform::CommandError;

/// The funds of a branch.
#[derive(Clone, Copy, Debug)]
pub struct Funds {
    /// The amounts of its wallet.
    pub wallet: WalletAmounts,
    /// The usable bonus.
    pub bonus: Money,
    floor: Option<Money>,
    restricted: bool,
}

impl Funds {
    /// The wallet alone.
    #[must_use]
    pub fn without_bonus(&self) -> Self {
        Self { bonus: Money::ZERO, ..*self }
    }

    /// Can they pay this above the floor? `floor` applies where the wallet has none of its own.
    #[must_use]
    pub fn pay(&self, due: Money, floor: Money) -> bool {
        let WalletAmounts { posted, held, pending } = self.wallet;
        let left = posted.0 - held.0 - pending.0 + self.bonus.0 - due.0;
        !self.restricted && left >= self.floor.unwrap_or(floor).0
    }
}

/// Reads wallet and bonus in one statement, so that both are of the same moment. `usable` is the
/// SQL of the usable bonus of the owner `$1` at the instant `$2`.
///
/// # Errors
/// A fault when the wallet is missing.
pub async fn of(tx: &Tx, partner_id: PartnerId, usable: &str) -> Result<Funds, CommandError> {
    let sql = format!(
        "SELECT w.posted, w.held, w.pending, w.floor, w.restricted, \
         CAST({usable} AS bigint) AS bonus FROM wallet w WHERE w.id = $1"
    );
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
