//! The proof of penalties: what was paid of each, under its order's policy, is what its postings
//! moved (PEN-5, PEN-7, BAL-6).

use std::collections::BTreeMap;

use entity::penalty::{self, PenaltyState};
use entity::value::{Money, OrderId, PenaltyId};
use entity::{order, posting};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::chart;
use super::proof::Proof;
use super::split::split;
use crate::platform::{Snapshot, Stop};
use crate::policy::Book;

/// Rows read at once.
const BATCH: u64 = 5_000;

/// What the postings of penalties moved: by penalty and account.
pub(super) type Moved = BTreeMap<(Uuid, String), i64>;

/// Adds a posting, if it is one of a penalty's.
pub(super) fn add(moved: &mut Moved, row: &posting::Model) {
    if row.kind.starts_with("penalty_") {
        *moved.entry((row.subject, row.credit.clone())).or_default() += row.amount.0;
        *moved.entry((row.subject, row.debit.clone())).or_default() -= row.amount.0;
    }
}

/// Each penalty is its order's fee, is paid within it, and moved exactly what is paid: the
/// partner's share, the operator's, out of what was received. No other posting names a penalty.
pub(super) async fn penalties(
    read: &Snapshot,
    proof: &mut Proof,
    moved: &Moved,
    book: &Book,
) -> Result<(), Stop> {
    let mut moved = moved.clone();
    let mut after = PenaltyId(Uuid::nil());
    loop {
        let rows = penalty::Entity::find()
            .filter(penalty::Column::Id.gt(after))
            .order_by_asc(penalty::Column::Id)
            .limit(BATCH)
            .all(read)
            .await?;
        proof.checked("penalty", rows.len());
        let Some(last) = rows.last() else { break };
        after = last.id;
        let orders = orders_of(read, &rows).await?;
        for row in &rows {
            match orders.get(&row.order_id) {
                None => proof.wrong("penalty_order", "penalty", row.id, "has no order".to_owned()),
                Some((fee, version)) => {
                    let rate = book.version(*version)?.fee.split_partner_bp;
                    let parts = split(row.paid, rate);
                    states(proof, row, *fee);
                    let accounts = [
                        (chart::partner(row.partner_id), parts.partner),
                        (chart::PENALTIES.to_owned(), parts.operator),
                        (chart::RECEIVED.to_owned(), Money(-row.paid.0)),
                    ];
                    for (account, due) in accounts {
                        let found = moved.remove(&(row.id.0, account.clone())).unwrap_or(0);
                        if found != due.0 {
                            let found = Money(found);
                            let detail = format!("{account} got {found}, paid calls for {due}");
                            proof.wrong("penalty_shares", "penalty", row.id, detail);
                        }
                    }
                }
            }
        }
    }
    for ((penalty_id, account), sum) in moved.into_iter().filter(|(_, sum)| *sum != 0) {
        let detail = format!("{account} got {} that no penalty calls for", Money(sum));
        proof.wrong("penalty_due", "penalty", penalty_id, detail);
    }
    Ok(())
}

/// The fee and the policy's version of each penalty's order.
async fn orders_of(
    read: &Snapshot,
    rows: &[penalty::Model],
) -> Result<BTreeMap<OrderId, (Option<Money>, i32)>, Stop> {
    let found: Vec<(OrderId, Option<Money>, i32)> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .column(order::Column::Penalty)
        .column(order::Column::PolicyVersion)
        .filter(order::Column::Id.is_in(rows.iter().map(|row| row.order_id)))
        .into_tuple()
        .all(read)
        .await?;
    Ok(found.into_iter().map(|(id, fee, version)| (id, (fee, version))).collect())
}

fn states(proof: &mut Proof, row: &penalty::Model, fee: Option<Money>) {
    if fee != Some(row.amount) {
        let detail = format!("is {}, its order's fee {:?}", row.amount, fee.map(|fee| fee.0));
        proof.wrong("penalty_amount", "penalty", row.id, detail);
    }
    let full = row.paid == row.amount;
    let right = match row.state {
        PenaltyState::Pending => !full,
        PenaltyState::Paid => full,
        PenaltyState::Disputed => true,
        PenaltyState::Waived => row.paid == Money::ZERO,
    };
    if !right || row.paid < Money::ZERO || row.paid > row.amount {
        let detail = format!("{:?}: paid {} of {}", row.state, row.paid, row.amount);
        proof.wrong("penalty_paid", "penalty", row.id, detail);
    }
}
