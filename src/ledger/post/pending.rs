//! The sum of the commissions that a branch's unanswered offers would cost, changed only under
//! guards that the commit checks (BAL-3, LIM-2).

use entity::value::{Money, PartnerId};
use sea_orm::Value;

use crate::context::Tx;
use platform::engine::write_set::RelativeUpdate;

/// The commission of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The amount that acceptance would hold.
    pub due: Money,
    /// The part that counts against other clients while the offer is unanswered: all, or nothing.
    pub counted: Money,
    /// The policy's floor.
    pub floor: Money,
}

/// A wallet as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletAmounts {
    /// The sum of its postings.
    pub posted: Money,
    /// The sum of its open holds.
    pub held: Money,
    /// The sum of its unanswered offers.
    pub pending: Money,
}

/// Adds an offer, if the balance alone can pay it and stay at the floor or above. Where `seen` is
/// given, bonus is needed too, and the wallet must be as it was read. Otherwise the command runs
/// again.
pub fn add(tx: &mut Tx, partner_id: PartnerId, offer: Expected, seen: Option<WalletAmounts>) {
    let condition = match seen {
        None => (
            "NOT \"restricted\" AND \"posted\" - \"held\" - \"pending\" - ? \
             >= coalesce(\"floor\", ?)",
            vec![Value::from(offer.due.0), Value::from(offer.floor.0)],
        ),
        Some(WalletAmounts { posted, held, pending }) => (
            "NOT \"restricted\" AND \"posted\" = ? AND \"held\" = ? AND \"pending\" = ?",
            vec![posted.0.into(), held.0.into(), pending.0.into()],
        ),
    };
    tx.adjust(RelativeUpdate { condition: Some(condition), ..change(partner_id, offer.counted) });
}

/// Subtracts an offer that was answered or has ended.
pub fn remove(tx: &mut Tx, partner_id: PartnerId, counted: Money) {
    if counted != Money::ZERO {
        tx.adjust(change(partner_id, Money(-counted.0)));
    }
}

fn change(partner_id: PartnerId, by: Money) -> RelativeUpdate {
    RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("pending", by.0)],
        set: Vec::new(),
        also: Vec::new(),
        condition: None,
        refusal: None,
    }
}
