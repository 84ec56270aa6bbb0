//! The reads of balances.

use std::collections::BTreeSet;

use entity::hold::{self, HoldState};
use entity::value::{Instant, Money, PartnerId};
use entity::{bonus_account, posting, wallet};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Refusal, chart};
use crate::context::Tx;
use platform::CommandError;
use platform::db::readable;

/// A balance: posted, held and available (BAL-1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    /// The sum of the postings.
    pub posted: Money,
    /// The sum of the open holds.
    pub held: Money,
    /// The amount that new holds may take, down to the floor.
    pub available: Money,
    /// The lowest value that a hold may take the balance to (BAL-2).
    pub floor: Money,
    /// Whether acceptances are blocked until the balance has recovered (BAL-3).
    pub restricted: bool,
    /// Whether the available amount is below the threshold (BAL-4).
    pub low: bool,
}

/// A partner's balance.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn balance<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    floor: Money,
) -> Result<BalanceView, CommandError> {
    let row = wallet::Entity::find_by_id(partner_id.0).all(db).await?.pop();
    Ok(shown(&row.ok_or(Refusal::NoSuchPartner)?, floor))
}

/// A partner's wallet, and whether something was spent from it since: a commission was taken, or a
/// hold is open (BAL-5).
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn spent_since(
    tx: &mut Tx,
    partner_id: PartnerId,
    since: Instant,
) -> Result<(wallet::Model, bool), CommandError> {
    let wallet = tx.find::<wallet::Entity>(partner_id.0).await?.ok_or(Refusal::NoSuchPartner)?;
    let taken = posting::Entity::find()
        .filter(posting::Column::PartnerId.eq(partner_id))
        .filter(posting::Column::Credit.eq(chart::COMMISSION))
        .filter(posting::Column::At.gte(since))
        .order_by_desc(posting::Column::Id)
        .limit(1);
    let held = hold::Entity::find()
        .filter(hold::Column::WalletId.eq(wallet.id))
        .filter(hold::Column::State.eq(HoldState::Open))
        .limit(1);
    let spent = !taken.all(tx.db()).await?.is_empty() || !held.all(tx.db()).await?.is_empty();
    Ok((wallet, spent))
}

/// Those of these partners that could take an order: their balance is not restricted, and something
/// is left above the floor or in bonus (BAL-3).
///
/// # Errors
/// When the database fails.
pub async fn able<C: ConnectionTrait>(
    db: &C,
    ids: &[PartnerId],
    floor: Money,
) -> Result<BTreeSet<PartnerId>, CommandError> {
    let wallets = wallet::Entity::find()
        .filter(wallet::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .filter(wallet::Column::Restricted.eq(false));
    let wallets = readable::all(db, wallets).await?.rows;
    let left = |row: &wallet::Model| row.posted.0 - row.held.0 > row.floor.unwrap_or(floor).0;
    let poor: Vec<Uuid> = wallets.iter().filter(|row| !left(row)).map(|row| row.id).collect();
    let mut able: BTreeSet<PartnerId> =
        wallets.iter().filter(|row| left(row)).map(|row| PartnerId(row.id)).collect();
    if !poor.is_empty() {
        let bonus_accounts = bonus_account::Entity::find()
            .filter(bonus_account::Column::Id.is_in(poor))
            .filter(bonus_account::Column::Live.eq(true));
        let bonus_accounts = readable::all(db, bonus_accounts).await?.rows;
        able.extend(bonus_accounts.into_iter().map(|row| PartnerId(row.id)));
    }
    Ok(able)
}

/// The view of a balance; `floor` applies where it has none of its own.
#[must_use]
pub fn shown(row: &wallet::Model, floor: Money) -> BalanceView {
    BalanceView {
        posted: row.posted,
        held: row.held,
        available: Money(row.posted.0 - row.held.0),
        floor: row.floor.unwrap_or(floor),
        restricted: row.restricted,
        low: row.low,
    }
}
