//! The proof of penalties: what was paid of each, under its order's policy, is what its postings
//! moved (PEN-5, PEN-7, BAL-6).

use std::collections::BTreeMap;

use entity::order;
use entity::penalty::{self, PenaltyState};
use entity::value::{Money, OrderId, PartnerId, PersonId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _,
};

use super::finding::Proof;
use super::posted::Posted;
use super::scope::Reading;
use crate::ledger::chart;
use crate::ledger::split::split;
use platform::{CommandError, ReadSnapshot};

/// Checks that each penalty equals its order's fee, names its order's client and partner, is paid
/// up to its amount, and moved exactly what was paid: the partner's and the operator's share, out
/// of the received money. No other posting names a penalty.
pub(super) async fn penalties(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
) -> Result<(), CommandError> {
    let read = reading.read;
    let mut moved = posted.penalties.clone();
    let mut walk = reading.walk(|touched| touched.subjects.iter().copied().collect());
    while let Some(rows) = walk.next(read, proof, penalty::Entity::find(), |row| row.id.0).await? {
        let orders = orders_of(read, &rows).await?;
        for row in &rows {
            let Some(order) = orders.get(&row.order_id) else {
                proof.wrong("penalty_order", "penalty", row.id, "has no order".to_owned());
                continue;
            };
            states(proof, row, order);
            let version = order.policy_version;
            let Some(keys) = proof.policy(reading.book, row.order_id, version) else { continue };
            let parts = split(row.paid, keys.fee.split_partner_bp);
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
            posted.names(proof, row.id.0, row.order_id);
        }
    }
    for ((penalty_id, account), sum) in moved.into_iter().filter(|(_, sum)| *sum != 0) {
        if !proof.skips("penalty", penalty_id) {
            let detail = format!("{account} got {} that no penalty calls for", Money(sum));
            proof.wrong("penalty_due", "penalty", penalty_id, detail);
        }
    }
    Ok(())
}

/// The order's columns that a penalty depends on.
#[derive(FromQueryResult)]
struct Cause {
    id: OrderId,
    client_id: PersonId,
    partner_id: PartnerId,
    penalty: Option<Money>,
    policy_version: i32,
}

/// Reads the order of each penalty.
async fn orders_of(
    read: &ReadSnapshot,
    rows: &[penalty::Model],
) -> Result<BTreeMap<OrderId, Cause>, CommandError> {
    use order::Column as C;
    let found: Vec<Cause> = order::Entity::find()
        .select_only()
        .columns([C::Id, C::ClientId, C::PartnerId, C::Penalty, C::PolicyVersion])
        .filter(C::Id.is_in(rows.iter().map(|row| row.order_id)))
        .into_model()
        .all(read)
        .await?;
    Ok(found.into_iter().map(|cause| (cause.id, cause)).collect())
}

fn states(proof: &mut Proof, row: &penalty::Model, order: &Cause) {
    if (row.client_id, row.partner_id) != (order.client_id, order.partner_id) {
        let detail = "is not owed by its order's client to its branch".to_owned();
        proof.wrong("penalty_owner", "penalty", row.id, detail);
    }
    let fee = order.penalty;
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
