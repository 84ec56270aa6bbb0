//! The standing proof: recomputes the books from their postings and each open order's hold from its
//! snapshot (BAL-6).
//!
//! Nothing here reads a sum that the engine keeps and then compares it with itself: wallets are
//! checked against postings and holds, holds against the orders' own snapshots, commissions against
//! final amounts and penalties' shares against what was paid, both under the pinned policy.
//!
//! The *whole* proof reads every row. The *incremental* one goes on from the checkpoint: account
//! sums of folded postings plus the pending ones; wallets, holds, live lots and open orders always,
//! closed rows where something was posted about them since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entity::hold;
use entity::hold::HoldState;
use entity::value::{HoldId, Instant, Money, OrderId, PostingId};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::proof_scope::{Reading, open};
use super::{
    proof_bonus, proof_orders, proof_payments, proof_penalty, proof_pending, proof_posted,
    proof_rows, proof_wallets,
};
use crate::platform::readable::Unreadable;
use crate::platform::{Engine, Snapshot, Stop};
use crate::policy::{Book, Policy};

/// Violations named at most.
const NAMED_MAX: usize = 100;
/// The check that names a row which cannot be decoded. It is an alarm, but no doubt about money:
/// such a row stops itself alone.
pub const UNREADABLE: &str = "row_unreadable";

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
    /// Rows that could not be decoded, by table.
    #[serde(skip)]
    skipped: BTreeSet<(String, Uuid)>,
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

    /// Names a row that cannot be decoded; what rests on it is not judged.
    pub(super) fn unreadable(&mut self, row: &Unreadable) {
        if self.skipped.insert((row.table.clone(), row.id)) {
            self.wrong(UNREADABLE, &row.table, row.id, row.why.clone());
        }
    }

    /// Is this row one of those that could not be decoded?
    pub(super) fn skips(&self, table: &str, id: Uuid) -> bool {
        self.skipped.contains(&(table.to_owned(), id))
    }

    /// The rows of this table that could not be decoded.
    pub(super) fn skipped(&self, table: &str) -> Vec<Uuid> {
        self.skipped.iter().filter(|(name, _)| name == table).map(|row| row.1).collect()
    }

    /// Could all rows of this table be decoded?
    pub(super) fn reads(&self, table: &str) -> bool {
        self.skipped.iter().all(|(name, _)| name != table)
    }

    /// Do the books hold, as far as rows can be read? Acceptances depend on this and not on `ok`
    /// (BAL-6).
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.iter().all(|violation| violation.check == UNREADABLE)
    }

    /// The policy a row was placed under; a version that does not exist is named.
    pub(super) fn policy(
        &mut self,
        book: &Book,
        order_id: OrderId,
        version: i32,
    ) -> Option<std::sync::Arc<Policy>> {
        let found = book.version(version).ok();
        if found.is_none() {
            self.wrong("order_policy", "order", order_id, format!("there is no policy {version}"));
        }
        found
    }
}

/// A proof, and the pending postings that it contains.
pub(super) struct Proved {
    /// What it found.
    pub proof: Proof,
    /// The instant of its snapshot.
    pub at: Instant,
    /// Pending postings, to be folded if it holds.
    pub pending: Vec<PostingId>,
}

/// Recomputes everything, or what changed since the checkpoint, from one read transaction.
///
/// # Errors
/// When the database fails.
pub(super) async fn run(engine: &Engine, whole: bool) -> Result<Proved, Stop> {
    let shared = engine.shared();
    let book = engine.extension::<Book>()?;
    let at = shared.clock.now();
    let read = async move |read: Snapshot| all(read, book, whole).await;
    let (mut proof, pending) = shared.db.long_snapshot(read).await?;
    proof.ok = proof.violations.is_empty();
    Ok(Proved { proof, at, pending })
}

/// What one moment of the database says, and the postings that are still to be folded into the
/// checkpoint.
async fn all(
    read: Snapshot,
    book: Arc<Book>,
    whole: bool,
) -> Result<(Proof, Vec<PostingId>), Stop> {
    let mut proof = Proof::default();
    let (posted, scope) = proof_posted::posted(&read, &mut proof, whole).await?;
    // A version that an order of this snapshot names is in the snapshot.
    book.look(&read).await?;
    let reading = Reading { read: &read, book: &book, scope: &scope };
    let holds = holds(&read, &mut proof).await?;
    proof_wallets::wallets(&reading, &mut proof, &posted, &holds).await?;
    proof_pending::offers(&read, &mut proof).await?;
    proof_orders::open_orders(&reading, &mut proof, &holds).await?;
    proof_orders::closed_orders(&reading, &mut proof, &posted).await?;
    proof_penalty::penalties(&reading, &mut proof, &posted).await?;
    proof_bonus::bonus(&reading, &mut proof, &posted, &holds).await?;
    proof_payments::payments(&reading, &mut proof, &posted).await?;
    proof_rows::decoded(&reading, &mut proof).await?;
    Ok((proof, posted.pending))
}

/// All open holds. Of one whose parts cannot be decoded the sums are still read.
async fn holds(read: &Snapshot, proof: &mut Proof) -> Result<Vec<hold::Model>, Stop> {
    let select = hold::Entity::find().filter(hold::Column::State.eq(HoldState::Open));
    let mut rows = open(read, proof, select).await?;
    for id in proof.skipped("hold") {
        let sums = Sums::find_by(read, id).await?;
        rows.extend(sums.map(|sums| sums.hold(id)));
    }
    Ok(rows)
}

/// What is left of a hold whose parts cannot be decoded.
#[derive(FromQueryResult)]
struct Sums {
    wallet_id: Uuid,
    amount: Money,
    bonus: Money,
    at: Instant,
    version: i64,
}

impl Sums {
    async fn find_by(read: &Snapshot, id: Uuid) -> Result<Option<Self>, Stop> {
        use hold::Column::{Amount, At, Bonus, Version, WalletId};
        let select = hold::Entity::find_by_id(HoldId(id)).select_only();
        let select = select.columns([WalletId, Amount, Bonus, At, Version]);
        Ok(select.into_model::<Self>().all(read).await?.pop())
    }

    fn hold(self, id: Uuid) -> hold::Model {
        let Self { wallet_id, amount, bonus, at, version } = self;
        hold::Model {
            id: HoldId(id),
            order_id: OrderId(id),
            wallet_id,
            amount,
            bonus,
            legs: None,
            state: HoldState::Open,
            at,
            ended_at: None,
            version,
        }
    }
}
