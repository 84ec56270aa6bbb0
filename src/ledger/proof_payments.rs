//! The proof of payments: each one moved what it calls for and nothing else, and what is owed to
//! partners is what its postings say (BAL-5, BAL-6, BON-5).

use std::collections::BTreeMap;

use entity::payable::{self, PayableState};
use entity::payment::{self, PaymentState};
use entity::payout::{self, PayoutState};
use entity::posting;
use entity::value::{Money, PaymentId, PayoutId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::proof::Proof;
use super::proof_penalty::Moved;
use super::{chart, payments};
use crate::platform::{Snapshot, Stop};

/// Rows read at once.
const BATCH: u64 = 5_000;

/// Adds a posting, if it names a payment or a payout.
pub(super) fn add(moved: &mut Moved, row: &posting::Model) {
    let of_payment = ["top_up", "payment", "payout"];
    if row.kind == "credit" || of_payment.iter().any(|kind| row.kind.starts_with(kind)) {
        *moved.entry((row.subject, row.credit.clone())).or_default() += row.amount.0;
        *moved.entry((row.subject, row.debit.clone())).or_default() -= row.amount.0;
    }
}

/// Payments, payouts and payables against their postings; no posting names one that does not call
/// for it.
pub(super) async fn payments(
    read: &Snapshot,
    proof: &mut Proof,
    moved: &Moved,
    accounts: &BTreeMap<String, i64>,
) -> Result<(), Stop> {
    let mut moved = moved.clone();
    came_and_went(read, proof, &mut moved).await?;
    went_out(read, proof, &mut moved).await?;
    owed(read, proof, accounts).await?;
    for ((id, account), sum) in moved.into_iter().filter(|(_, sum)| *sum != 0) {
        let detail = format!("{account} got {} that no payment calls for", Money(sum));
        proof.wrong("payment_due", "posting", id, detail);
    }
    Ok(())
}

async fn came_and_went(read: &Snapshot, proof: &mut Proof, moved: &mut Moved) -> Result<(), Stop> {
    let mut after = PaymentId(Uuid::nil());
    loop {
        let rows = payment::Entity::find()
            .filter(payment::Column::Id.gt(after))
            .order_by_asc(payment::Column::Id)
            .limit(BATCH)
            .all(read)
            .await?;
        proof.checked("payment", rows.len());
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        for row in &rows {
            states(proof, row);
            let came = if row.paid_at.is_some() { row.amount.0 } else { 0 };
            let calls = [
                (chart::gateway(row.driver), row.returned.0 - came),
                (chart::REFUNDS.to_owned(), row.to_return.0 - row.returned.0),
                (payments::base(row), came - row.to_return.0),
            ];
            for (account, due) in calls {
                let found = moved.remove(&(row.id.0, account.clone())).unwrap_or(0);
                if found != due {
                    let (found, due) = (Money(found), Money(due));
                    let detail = format!("{account} got {found}, the payment calls for {due}");
                    proof.wrong("payment_moved", "payment", row.id, detail);
                }
            }
        }
    }
}

fn states(proof: &mut Proof, row: &payment::Model) {
    let (due, back) = (row.to_return, row.returned);
    let right = match row.state {
        PaymentState::Created | PaymentState::Failed | PaymentState::Expired => {
            row.paid_at.is_none() && due == Money::ZERO
        }
        PaymentState::Paid => due == back && back < row.amount,
        PaymentState::Refunding => due > back,
        PaymentState::Refunded => back == row.amount,
    };
    if !right {
        let detail = format!("{:?}: {back} of {due} went back", row.state);
        proof.wrong("payment_state", "payment", row.id, detail);
    }
}

async fn went_out(read: &Snapshot, proof: &mut Proof, moved: &mut Moved) -> Result<(), Stop> {
    let mut after = PayoutId(Uuid::nil());
    loop {
        let rows = payout::Entity::find()
            .filter(payout::Column::Id.gt(after))
            .order_by_asc(payout::Column::Id)
            .limit(BATCH)
            .all(read)
            .await?;
        proof.checked("payout", rows.len());
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        for row in &rows {
            let (away, there) = match row.state {
                PayoutState::Created | PayoutState::Sent => (row.amount.0, 0),
                PayoutState::Paid => (0, row.amount.0),
                PayoutState::Failed => (0, 0),
            };
            let calls = [
                (chart::payable(row.partner_id), -away - there),
                (chart::PAYOUTS.to_owned(), away),
                (chart::gateway(row.driver), there),
            ];
            for (account, due) in calls {
                let found = moved.remove(&(row.id.0, account.clone())).unwrap_or(0);
                if found != due {
                    let (found, due) = (Money(found), Money(due));
                    let detail = format!("{account} got {found}, the payout calls for {due}");
                    proof.wrong("payout_moved", "payout", row.id, detail);
                }
            }
        }
    }
}

/// What each partner is owed, and what each payout takes of it.
async fn owed(
    read: &Snapshot,
    proof: &mut Proof,
    accounts: &BTreeMap<String, i64>,
) -> Result<(), Stop> {
    let rows = payable::Entity::find().all(read).await?;
    proof.checked("payable", rows.len());
    let mut due: BTreeMap<String, i64> = BTreeMap::new();
    let mut taken: BTreeMap<PayoutId, i64> = BTreeMap::new();
    for row in rows {
        if let Some(payout_id) = row.payout_id {
            *taken.entry(payout_id).or_default() += row.amount.0;
        }
        let open = match row.state {
            PayableState::Owed => row.payout_id.is_none(),
            PayableState::Suspended => true,
            PayableState::Settled | PayableState::Refused => false,
        };
        let sum = due.entry(chart::payable(row.partner_id)).or_default();
        *sum += if open { row.amount.0 } else { 0 };
    }
    let posted = accounts.iter().filter(|(name, _)| name.starts_with("payable:"));
    for (account, sum) in posted.clone() {
        let due = due.remove(account).unwrap_or(0);
        if *sum != due {
            let detail = format!("holds {}, payables call for {}", Money(*sum), Money(due));
            proof.wrong("payable_sum", "payable", account, detail);
        }
    }
    for (account, sum) in due.into_iter().filter(|(_, sum)| *sum != 0) {
        let detail = format!("payables call for {}, nothing is posted", Money(sum));
        proof.wrong("payable_sum", "payable", account, detail);
    }
    let payouts = payout::Entity::find().filter(payout::Column::State.ne(PayoutState::Failed));
    for row in payouts.all(read).await? {
        let sum = taken.remove(&row.id).unwrap_or(0);
        if sum != row.amount.0 {
            let detail = format!("pays {}, its payables are {}", row.amount, Money(sum));
            proof.wrong("payout_amount", "payout", row.id, detail);
        }
    }
    Ok(())
}
