//! The standing proof: recomputes the books from their postings and each open order's hold from its
//! snapshot (BAL-6).
//!
//! Nothing here reads a sum that the engine keeps and then compares it with itself: wallets are
//! checked against postings and holds, holds against the orders' own snapshots, commissions against
//! final amounts and penalties' shares against what was paid, both under the pinned policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use entity::hold::HoldState;
use entity::order::Status;
use entity::value::{Money, OrderId, PartnerId};
use entity::{hold, order, order_step, posting, wallet};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::commission::{base, commission};
use super::proof_payments;
use super::proof_penalty::{self, Moved};
use super::{chart, proof_bonus};
use crate::platform::{Engine, Snapshot, Stop};
use crate::policy::Book;

/// Instants of two commands this close say nothing about which of them landed first.
const NEARLY: TimeDelta = TimeDelta::seconds(5);
/// Rows read at once.
const BATCH: u64 = 5_000;
/// Violations named at most.
const NAMED_MAX: usize = 100;

/// What the newest proof said; while it says no, nothing is accepted (BAL-6).
#[derive(Default)]
pub struct Standing(AtomicBool);

impl Standing {
    /// Do the books hold, as far as is known?
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }

    /// The proof could not run, again and again: nobody knows whether the books hold, which is as
    /// good as a no.
    pub fn blind(&self, why: &Stop) {
        self.0.store(true, Ordering::Relaxed);
        tracing::error!(alarm = "books_unproved", ?why, "acceptances stop");
        metrics::counter!("yumo_books_alarms").increment(1);
        metrics::gauge!("yumo_books_ok").set(0.0);
    }

    /// Keeps what a proof said; an alarm fires when it says no.
    pub fn keep(&self, proof: &Proof) {
        let failed = !proof.ok;
        self.0.store(failed, Ordering::Relaxed);
        if failed {
            tracing::error!(alarm = "books_wrong", violations = ?proof.violations, "acceptances stop");
            metrics::counter!("yumo_books_alarms").increment(1);
        }
    }
}

/// Something that cannot be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// Which check found it.
    pub check: String,
    /// In which table.
    pub table: String,
    /// Which row.
    pub id: String,
    /// What is wrong.
    pub detail: String,
}

/// What the proof found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// Nothing wrong.
    pub ok: bool,
    /// How many rows of each table were checked.
    pub checked: BTreeMap<String, u64>,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

impl Proof {
    pub(super) fn wrong(
        &mut self,
        check: &str,
        table: &str,
        id: impl std::fmt::Display,
        detail: String,
    ) {
        if self.violations.len() < NAMED_MAX {
            self.violations.push(Violation {
                check: check.to_owned(),
                table: table.to_owned(),
                id: id.to_string(),
                detail,
            });
        }
    }

    pub(super) fn checked(&mut self, table: &str, n: usize) {
        *self.checked.entry(table.to_owned()).or_default() += u64::try_from(n).unwrap_or(0);
    }
}

/// Recomputes everything, from one read transaction.
///
/// # Errors
/// When the database fails.
pub async fn prove(engine: &Engine) -> Result<Proof, Stop> {
    let shared = engine.shared();
    let book = engine.extension::<Book>()?;
    let floor = book.lowest_floor()?;
    let read = async move |read: Snapshot| all(&read, floor, &book).await;
    let mut proof = shared.db.long_snapshot(read).await?;
    proof.ok = proof.violations.is_empty();
    engine.extension::<Standing>()?.keep(&proof);
    metrics::gauge!("yumo_books_ok").set(if proof.ok { 1.0 } else { 0.0 });
    Ok(proof)
}

/// Everything, of one moment.
async fn all(read: &Snapshot, floor: Money, book: &Book) -> Result<Proof, Stop> {
    let mut proof = Proof::default();
    let posted = postings(read, &mut proof).await?;
    let holds =
        hold::Entity::find().filter(hold::Column::State.eq(HoldState::Open)).all(read).await?;
    proof.checked("hold", holds.len());
    wallets(read, &mut proof, &posted, &holds, floor).await?;
    open_orders(read, &mut proof, &holds, book).await?;
    closed_orders(read, &mut proof, &posted, book).await?;
    proof_penalty::penalties(read, &mut proof, &posted.penalties, book).await?;
    proof_bonus::bonus(read, &mut proof, &posted.accounts, &holds).await?;
    proof_payments::payments(read, &mut proof, &posted.payments, &posted.accounts).await?;
    Ok(proof)
}

/// What the postings say.
#[derive(Default)]
struct Posted {
    accounts: BTreeMap<String, i64>,
    last_debit: BTreeMap<PartnerId, entity::value::Instant>,
    commissions: BTreeMap<OrderId, i64>,
    penalties: Moved,
    payments: Moved,
}

async fn postings(read: &Snapshot, proof: &mut Proof) -> Result<Posted, Stop> {
    let mut posted = Posted::default();
    let mut natural = BTreeSet::new();
    let mut query = posting::Entity::find().order_by_asc(posting::Column::Id).limit(BATCH);
    loop {
        let rows = query.clone().all(read).await?;
        proof.checked("posting", rows.len());
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(posted) };
        for row in rows {
            if !row.amount.is_positive() || row.debit == row.credit {
                let detail = format!("moves {} from {} to {}", row.amount, row.debit, row.credit);
                proof.wrong("posting_moves", "posting", row.id, detail);
            }
            if !natural.insert((row.kind.clone(), row.subject, row.n)) {
                let detail = format!("{} {} {} stands twice", row.kind, row.subject, row.n);
                proof.wrong("posting_once", "posting", row.id, detail);
            }
            post(&mut posted, row);
        }
        query = posting::Entity::find()
            .filter(posting::Column::Id.gt(last))
            .order_by_asc(posting::Column::Id)
            .limit(BATCH);
    }
}

fn post(posted: &mut Posted, row: posting::Model) {
    proof_penalty::add(&mut posted.penalties, &row);
    proof_payments::add(&mut posted.payments, &row);
    let to_operator = row.credit == chart::COMMISSION;
    if to_operator || row.debit == chart::COMMISSION {
        let sign = if to_operator { 1 } else { -1 };
        *posted.commissions.entry(OrderId(row.subject)).or_default() += sign * row.amount.0;
    }
    if let Some(partner_id) = row.partner_id
        && row.debit == chart::partner(partner_id)
    {
        let last = posted.last_debit.entry(partner_id).or_insert(row.at);
        *last = row.at.max(*last);
    }
    *posted.accounts.entry(row.debit).or_default() -= row.amount.0;
    *posted.accounts.entry(row.credit).or_default() += row.amount.0;
}

/// Each balance is the sum of its postings, each held sum that of its open holds, and all accounts
/// together are zero.
async fn wallets(
    read: &Snapshot,
    proof: &mut Proof,
    posted: &Posted,
    holds: &[hold::Model],
    floor: Money,
) -> Result<(), Stop> {
    let rows = wallet::Entity::find().all(read).await?;
    proof.checked("wallet", rows.len());
    let mut of_wallet: BTreeMap<Uuid, Vec<&hold::Model>> = BTreeMap::new();
    for hold in holds {
        of_wallet.entry(hold.wallet_id).or_default().push(hold);
    }
    let operator = |name: &&String| !name.starts_with("partner:");
    let mut all: i64 =
        posted.accounts.iter().filter(|(name, _)| operator(name)).map(|(_, sum)| sum).sum();
    for row in rows {
        all += row.posted.0;
        let partner_id = PartnerId(row.id);
        let sum = posted.accounts.get(&chart::partner(partner_id)).copied().unwrap_or(0);
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
        let earliest = mine.iter().map(|hold| hold.at).min();
        let debited = posted.last_debit.get(&partner_id).copied();
        // Captures and corrections may pass the floor; holds alone may not.
        let by_holds = row.posted >= least
            && earliest.is_some_and(|at| debited.is_none_or(|d| d + NEARLY < at));
        let below = by_holds && row.posted.0 - held < least.0;
        if below && !any_restored(read, &mine).await? {
            let detail = format!("available is {}", Money(row.posted.0 - held));
            proof.wrong("floor_by_hold", "wallet", row.id, detail);
        }
    }
    if all != 0 {
        let detail = format!("all accounts together are {}", Money(all));
        proof.wrong("sum_zero", "posting", "all", detail);
    }
    Ok(())
}

/// Was one of these holds restored by a contested admission, which asks no floor (ORD-10)?
async fn any_restored(read: &Snapshot, holds: &[&hold::Model]) -> Result<bool, Stop> {
    let contested = order_step::Entity::find()
        .filter(order_step::Column::OrderId.is_in(holds.iter().map(|hold| hold.order_id)))
        .filter(order_step::Column::Intent.eq("contest"))
        .limit(1);
    Ok(!contested.all(read).await?.is_empty())
}

/// Each accepted open order has one hold, of the commission its snapshot calls for; no hold stands
/// without such an order.
async fn open_orders(
    read: &Snapshot,
    proof: &mut Proof,
    holds: &[hold::Model],
    book: &Book,
) -> Result<(), Stop> {
    let orders = order::Entity::find()
        .filter(order::Column::Status.is_in([Status::Confirmed, Status::OnTheWay, Status::Active]))
        .all(read)
        .await?;
    proof.checked("order", orders.len());
    let by_order: BTreeMap<OrderId, &hold::Model> =
        holds.iter().map(|hold| (hold.order_id, hold)).collect();
    for order in &orders {
        let keys = book.version(order.policy_version)?;
        let due = commission(base(order), &keys.commission);
        match by_order.get(&order.id) {
            None => proof.wrong("order_held", "order", order.id, "has no open hold".to_owned()),
            Some(hold)
                if hold.amount.0 + hold.bonus.0 != due.0
                    || hold.wallet_id != order.partner_id.0 =>
            {
                let has = Money(hold.amount.0 + hold.bonus.0);
                let detail = format!("holds {has}, the order calls for {due}");
                proof.wrong("hold_amount", "hold", hold.id, detail);
            }
            Some(_) => {}
        }
    }
    let open: BTreeSet<OrderId> = orders.iter().map(|order| order.id).collect();
    for hold in holds.iter().filter(|hold| !open.contains(&hold.order_id)) {
        proof.wrong("hold_order", "hold", hold.id, "outlives its order".to_owned());
    }
    Ok(())
}

/// Each completed order paid the commission its final amount calls for, or the total its client
/// last agreed to where that is more (ORD-11), corrections included; no other order paid any.
async fn closed_orders(
    read: &Snapshot,
    proof: &mut Proof,
    posted: &Posted,
    book: &Book,
) -> Result<(), Stop> {
    let mut unpaid = posted.commissions.clone();
    let mut after: Option<OrderId> = None;
    loop {
        let mut query = order::Entity::find()
            .filter(order::Column::Status.eq(Status::Completed))
            .order_by_asc(order::Column::Id)
            .limit(BATCH);
        if let Some(after) = after {
            query = query.filter(order::Column::Id.gt(after));
        }
        let rows = query.all(read).await?;
        proof.checked("order", rows.len());
        after = rows.last().map(|row| row.id);
        if after.is_none() {
            break;
        }
        for row in rows {
            let keys = book.version(row.policy_version)?;
            let due = commission(base(&row), &keys.commission);
            let paid = Money(unpaid.remove(&row.id).unwrap_or(0));
            if paid != due {
                let detail = format!("paid {paid}, the amounts call for {due}");
                proof.wrong("commission_paid", "order", row.id, detail);
            }
        }
    }
    for (order_id, paid) in unpaid.into_iter().filter(|(_, paid)| *paid != 0) {
        let detail = format!("paid {} without being completed", Money(paid));
        proof.wrong("commission_due", "order", order_id, detail);
    }
    Ok(())
}
