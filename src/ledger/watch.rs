//! Emits to branches that their balance is low, restricted, or no longer so (BAL-3, BAL-4).
//!
//! The flags in the wallet's row change together with the balance; beside them stand the flags last
//! emitted. A sweep finds the rows where the two differ.

use entity::kinds::{CommandName, EventKind};
use entity::value::{EventId, PartnerId};
use entity::wallet;
use sea_orm::{
    ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _, Value,
};
use serde_json::json;

use super::post;
use super::read::shown;
use crate::context::{Context, Tx};
use crate::policy;
use platform::db::readable;
use platform::{Audience, Command, CommandError};

/// Maximum number of wallets in one sweep.
const ROWS_MAX: u64 = 500;

/// Branches whose current balance flags were not emitted yet.
///
/// # Errors
/// When the database fails.
pub async fn untold<C: ConnectionTrait>(db: &C) -> Result<Vec<PartnerId>, CommandError> {
    use sea_orm::sea_query::Expr;
    use wallet::Column::{Low, Restricted, ToldLow, ToldRestricted};
    let differs = Expr::col(Restricted)
        .ne(Expr::col(ToldRestricted))
        .or(Expr::col(Low).ne(Expr::col(ToldLow)));
    let found = readable::all(db, wallet::Entity::find().filter(differs).limit(ROWS_MAX)).await?;
    Ok(found.rows.into_iter().map(|row| PartnerId(row.id)).collect())
}

/// Emits a branch's balance flags.
pub struct TellBalance {
    /// The partner.
    pub partner_id: PartnerId,
}

impl Command<Context> for TellBalance {
    type Answer = ();
    const NAME: CommandName = CommandName::TellBalance;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = tx.find::<wallet::Entity>(self.partner_id.0).await?;
        let row = Tx::must("wallet", self.partner_id, row)?;
        let floor = policy::registry::in_force(tx)?.keys.balance.floor;
        let said = [
            (row.restricted != row.told_restricted).then_some(if row.restricted {
                EventKind::BalanceRestricted
            } else {
                EventKind::BalanceUnrestricted
            }),
            (row.low && !row.told_low).then_some(EventKind::BalanceLow),
        ];
        for event in said.into_iter().flatten() {
            let payload = json!({"balance": shown(&row, floor)});
            let audience = Audience::Branch(self.partner_id);
            tx.emit(&audience, event, None, EventId::new(), &payload)?;
        }
        let cells = vec![
            ("told_restricted", Value::from(row.restricted)),
            ("told_low", Value::from(row.low)),
        ];
        post::emit(tx, self.partner_id, (row.restricted, row.low), cells);
        Ok(())
    }
}
