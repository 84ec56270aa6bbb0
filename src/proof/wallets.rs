//! The proof of balances: each is the sum of its postings, each held sum is that of its open holds,
//! all accounts together are zero, and no hold alone took a balance below its floor (BAL-1, BAL-2,
//! BAL-6).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::kinds::Intent;
use entity::value::{Money, PartnerId};
use entity::{hold, order_step, posting, wallet};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use super::finding::Proof;
use super::posted::Posted;
use super::scope::{Reading, open};
use crate::ledger::chart;
use platform::{CommandError, ReadSnapshot};

/// Instants of two commands this close do not tell which of them committed first.
const NEARLY: TimeDelta = TimeDelta::seconds(5);

/// Checks every wallet.
pub(super) async fn wallets(
    reading: &Reading<'_>,
    proof: &mut Proof,
    posted: &Posted,
    holds: &[hold::Model],
) -> Result<(), CommandError> {
    let floor = reading.book.lowest_floor()?;
    let rows = open(reading.read, proof, wallet::Entity::find()).await?;
    let mut of_wallet: BTreeMap<Uuid, Vec<&hold::Model>> = BTreeMap::new();
    for hold in holds {
        of_wallet.entry(hold.wallet_id).or_default().push(hold);
    }
    let operator = |name: &&String| !name.starts_with("partner:");
    let mut all: i64 =
        posted.accounts.iter().filter(|(name, _)| operator(name)).map(|(_, sum)| sum).sum();
    for row in rows {
        all += row.posted.0;
        let sum = posted.accounts.get(&chart::partner(PartnerId(row.id))).copied().unwrap_or(0);
        if sum != row.posted.0 {
            let detail = format!("posted is {}, its postings say {}", row.posted, Money(sum));
            proof.wrong("wallet_posted", "wallet", row.id, detail);
        }
        let mine = of_wallet.remove(&row.id).unwrap_or_default();
        let held: i64 = mine.iter().map(|hold| hold.amount.0).sum();
        if held != row.held.0 {
            let detail = format!("held is {}, its holds say {}", row.held, Money(held));
            proof.wrong("wallet_held", "wallet", row.id, detail);
        }
        let least = row.floor.unwrap_or(floor);
        let available = Money(row.posted.0 - held);
        if available < least && by_holds(reading.read, &row, &mine, least).await? {
            proof.wrong("floor_by_hold", "wallet", row.id, format!("available is {available}"));
        }
    }
    if all != 0 && proof.reads("wallet") {
        let detail = format!("all accounts together are {}", Money(all));
        proof.wrong("sum_zero", "posting", "all", detail);
    }
    Ok(())
}

/// Whether holds alone took a balance below its floor. Captures and corrections may; a hold is only
/// taken if it leaves the balance, at that moment, at the floor or above (BAL-2).
async fn by_holds(
    read: &ReadSnapshot,
    row: &wallet::Model,
    holds: &[&hold::Model],
    floor: Money,
) -> Result<bool, CommandError> {
    let Some(first) = holds.iter().map(|hold| hold.at).min() else { return Ok(false) };
    let account = chart::partner(PartnerId(row.id));
    let since = posting::Entity::find()
        .filter(posting::Column::PartnerId.eq(row.id))
        .filter(posting::Column::At.gte(first - NEARLY))
        .all(read)
        .await?;
    let moved: Vec<(entity::value::Instant, i64)> = since
        .iter()
        .filter_map(|posting| match (posting.debit == account, posting.credit == account) {
            (true, false) => Some((posting.at, -posting.amount.0)),
            (false, true) => Some((posting.at, posting.amount.0)),
            _ => None,
        })
        .collect();
    let restored = restored(read, holds).await?;
    let taken = |hold: &hold::Model| hold.version == 1 && !restored.contains(&hold.order_id.0);
    // Nothing was debited since the oldest hold, so only holds can have taken the balance there.
    let undebited = moved.iter().all(|(_, by)| *by > 0);
    if undebited && row.posted >= floor && restored.is_empty() {
        return Ok(true);
    }
    // A hold that was never resized was taken at its own instant, when the holds before it were at
    // least as large as now. A posting within moments of it counts as earlier if it adds, and as
    // later if it subtracts.
    Ok(holds.iter().filter(|hold| taken(hold)).any(|hold| {
        let later = moved.iter().filter(|(at, by)| {
            let early = if *by > 0 { NEARLY } else { -NEARLY };
            *at > hold.at + early
        });
        let posted = row.posted.0 - later.map(|(_, by)| by).sum::<i64>();
        let earlier = holds.iter().filter(|other| taken(other) && other.at < hold.at);
        let held = hold.amount.0 + earlier.map(|other| other.amount.0).sum::<i64>();
        posted - held < floor.0
    }))
}

/// Which of these holds were restored by a contested admission, which ignores the floor (ORD-10).
async fn restored(
    read: &ReadSnapshot,
    holds: &[&hold::Model],
) -> Result<BTreeSet<Uuid>, CommandError> {
    let contested: Vec<Uuid> = order_step::Entity::find()
        .select_only()
        .column(order_step::Column::OrderId)
        .filter(order_step::Column::OrderId.is_in(holds.iter().map(|hold| hold.order_id)))
        .filter(order_step::Column::Intent.eq(Intent::Contest))
        .into_tuple()
        .all(read)
        .await?;
    Ok(contested.into_iter().collect())
}
