//! The proof of payments: each payment moved what its state calls for and nothing else, and
//! payables match their postings (BAL-5, BAL-6, BON-5).

use std::collections::BTreeMap;

use entity::payable::{self, PayableState};
use entity::payment::{self, PaymentState};
use entity::payout::{self, PayoutState};
use entity::penalty;
use entity::value::{Money, PartnerId, PayoutId, PenaltyId, PersonId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::finding::Proof;
use super::posted::{Moved, Posted};
use super::scope::{Reading, open};
use crate::ledger::{chart, payments};
use platform::CommandError;

/// Checks payments, payouts and payables against their postings; no posting names one that does not
/// call for it.
pub(super) async fn payments(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
) -> Result<(), CommandError> {
    let mut moved = posted.payments.clone();
    came_and_went(reading, proof, &mut moved).await?;
    went_out(reading, proof, &mut moved).await?;
    owed(reading, proof, &posted.accounts).await?;
    settled(reading, proof, posted).await?;
    for ((id, account), sum) in moved.into_iter().filter(|(_, sum)| *sum != 0) {
        if !proof.skips("payment", id) && !proof.skips("payout", id) {
            let detail = format!("{account} got {} that no payment calls for", Money(sum));
            proof.wrong("payment_due", "posting", id, detail);
        }
    }
    Ok(())
}

async fn came_and_went(
    reading: &Reading<'_>,
    proof: &mut Proof,
    moved: &mut Moved,
) -> Result<(), CommandError> {
    let read = reading.read;
    let mut walk = reading.walk(|touched| touched.subjects.iter().copied().collect());
    while let Some(rows) = walk.next(read, proof, payment::Entity::find(), |row| row.id.0).await? {
        owners(reading, proof, &rows).await?;
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
    Ok(())
}

/// Checks that a penalty's payment belongs to its debtor and to its branch (PEN-5).
async fn owners(
    reading: &Reading<'_>,
    proof: &mut Proof,
    rows: &[payment::Model],
) -> Result<(), CommandError> {
    let of_penalty = |row: &payment::Model| row.penalty_id.map(|id| (id, row.clone()));
    let paying: Vec<(PenaltyId, payment::Model)> = rows.iter().filter_map(of_penalty).collect();
    let owed: Vec<(PenaltyId, PersonId, PartnerId)> = penalty::Entity::find()
        .select_only()
        .columns([penalty::Column::Id, penalty::Column::ClientId, penalty::Column::PartnerId])
        .filter(penalty::Column::Id.is_in(paying.iter().map(|(id, _)| *id)))
        .into_tuple()
        .all(reading.read)
        .await?;
    for (penalty_id, row) in paying {
        let right = owed.iter().any(|(id, client_id, partner_id)| {
            *id == penalty_id
                && *partner_id == row.partner_id
                && row.client_id.is_none_or(|id| id == *client_id)
        });
        if !right {
            let detail = format!("pays {penalty_id} for somebody else");
            proof.wrong("payment_owner", "payment", row.id, detail);
        }
    }
    Ok(())
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

async fn went_out(
    reading: &Reading<'_>,
    proof: &mut Proof,
    moved: &mut Moved,
) -> Result<(), CommandError> {
    let read = reading.read;
    let mut walk = reading.walk(|touched| touched.subjects.iter().copied().collect());
    while let Some(rows) = walk.next(read, proof, payout::Entity::find(), |row| row.id.0).await? {
        takes(reading, proof, &rows).await?;
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
    Ok(())
}

/// The sum of the payables in each payout.
async fn takes(
    reading: &Reading<'_>,
    proof: &mut Proof,
    payouts: &[payout::Model],
) -> Result<(), CommandError> {
    let mut taken: BTreeMap<PayoutId, i64> = BTreeMap::new();
    let ids: Vec<PayoutId> = payouts.iter().map(|row| row.id).collect();
    let select = payable::Entity::find().filter(payable::Column::PayoutId.is_in(ids));
    for row in open(reading.read, proof, select).await? {
        if let Some(payout_id) = row.payout_id {
            *taken.entry(payout_id).or_default() += row.amount.0;
        }
    }
    for row in payouts.iter().filter(|row| row.state != PayoutState::Failed) {
        let sum = taken.remove(&row.id).unwrap_or(0);
        if sum != row.amount.0 && proof.reads("payable") {
            let detail = format!("pays {}, its payables are {}", row.amount, Money(sum));
            proof.wrong("payout_amount", "payout", row.id, detail);
        }
    }
    Ok(())
}

/// The amount owed to each partner.
async fn owed(
    reading: &Reading<'_>,
    proof: &mut Proof,
    accounts: &BTreeMap<String, i64>,
) -> Result<(), CommandError> {
    let waits = [PayableState::Owed, PayableState::Suspended];
    let select = payable::Entity::find().filter(payable::Column::State.is_in(waits));
    let rows = open(reading.read, proof, select).await?;
    let mut due: BTreeMap<String, i64> = BTreeMap::new();
    for row in rows {
        if row.state == PayableState::Suspended || row.payout_id.is_none() {
            *due.entry(chart::payable(row.partner_id)).or_default() += row.amount.0;
        }
    }
    let posted = accounts.iter().filter(|(name, _)| name.starts_with("payable:"));
    let mut wrong = Vec::new();
    for (account, sum) in posted {
        let due = due.remove(account).unwrap_or(0);
        if *sum != due {
            let detail = format!("holds {}, payables call for {}", Money(*sum), Money(due));
            wrong.push((account.clone(), detail));
        }
    }
    for (account, sum) in due.into_iter().filter(|(_, sum)| *sum != 0) {
        wrong.push((account, format!("payables call for {}, nothing is posted", Money(sum))));
    }
    for (account, detail) in wrong {
        if proof.reads("payable") {
            proof.wrong("payable_sum", "payable", account, detail);
        }
    }
    Ok(())
}

/// Checks that each payable equals what lots paid of its order, and belongs to that order's
/// partner; that a settled or refused one has left the account of payables, and no other has
/// (BON-5, BON-6).
async fn settled(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
) -> Result<(), CommandError> {
    let read = reading.read;
    let (mut owed, mut left) = (posted.owed.clone(), posted.settled.clone());
    let mut walk = reading.walk(|touched| touched.payables.iter().copied().collect());
    while let Some(rows) = walk.next(read, proof, payable::Entity::find(), |row| row.id.0).await? {
        for row in rows {
            let account = chart::payable(row.partner_id);
            let due = owed.remove(&(row.order_id.0, account.clone())).unwrap_or(0);
            if due != row.amount.0 {
                let due = Money(due);
                let detail = format!("is {}, lots paid {due} to {account}", row.amount);
                proof.wrong("payable_amount", "payable", row.id, detail);
            }
            let gone = match row.state {
                PayableState::Settled if row.payout_id.is_none() => row.amount.0,
                PayableState::Refused => row.amount.0,
                PayableState::Settled | PayableState::Owed | PayableState::Suspended => 0,
            };
            let found = -left.remove(&(row.id.0, account)).unwrap_or(0);
            if found != gone {
                let (found, gone) = (Money(found), Money(gone));
                let detail = format!("{:?}: {found} of {gone} was settled", row.state);
                proof.wrong("payable_settled", "payable", row.id, detail);
            }
            posted.names(proof, row.id.0, row.order_id);
        }
    }
    for ((order_id, account), sum) in owed.into_iter().filter(|(_, sum)| *sum != 0) {
        if proof.reads("payable") {
            let detail = format!("{account} got {} that no payable names", Money(sum));
            proof.wrong("payable_missing", "order", order_id, detail);
        }
    }
    Ok(())
}
