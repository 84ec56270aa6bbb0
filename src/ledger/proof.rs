//! The proof of the books: recomputes them from their postings, and each open order's hold from the
//! order's policy snapshot (BAL-6).
//!
//! It never compares a stored sum with itself: wallets are checked against postings and holds,
//! holds against the orders' snapshots, commissions against final amounts and penalties' shares
//! against what was paid, both under the pinned policy.
//!
//! The *whole* proof reads every row. The *incremental* one continues from the checkpoint: account
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
use crate::context::Engine;
use crate::platform::readable::Unreadable;
use crate::platform::{CommandError, ReadSnapshot};
use crate::policy::{Policy, Registry};

/// Maximum number of violations that are listed.
const NAMED_MAX: usize = 100;
/// The check that lists rows which cannot be decoded. It raises an alarm, but does not stop
/// acceptances: such a row stops only itself.
pub const UNREADABLE: &str = "row_unreadable";

/// A violation found by the proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// The check that found it.
    pub check: String,
    /// The table.
    pub table: String,
    /// The row.
    pub id: String,
    /// What is wrong.
    pub detail: String,
}

/// The result of a proof.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// Whether there are no violations.
    pub ok: bool,
    /// The number of rows checked, by table.
    pub checked: BTreeMap<String, u64>,
    /// The violations.
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

    /// Lists a row that cannot be decoded; what depends on it is not checked.
    pub(super) fn unreadable(&mut self, row: &Unreadable) {
        if self.skipped.insert((row.table.clone(), row.id)) {
            self.wrong(UNREADABLE, &row.table, row.id, row.why.clone());
        }
    }

    /// Whether this row is one of those that could not be decoded.
    pub(super) fn skips(&self, table: &str, id: Uuid) -> bool {
        self.skipped.contains(&(table.to_owned(), id))
    }

    /// The rows of this table that could not be decoded.
    pub(super) fn skipped(&self, table: &str) -> Vec<Uuid> {
        self.skipped.iter().filter(|(name, _)| name == table).map(|row| row.1).collect()
    }

    /// Whether all rows of this table could be decoded.
    pub(super) fn reads(&self, table: &str) -> bool {
        self.skipped.iter().all(|(name, _)| name != table)
    }

    /// Whether the books are right, as far as rows can be decoded. Acceptances depend on this and
    /// not on `ok` (BAL-6).
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.iter().all(|violation| violation.check == UNREADABLE)
    }

    /// The policy a row was placed under; a missing version is listed as a violation.
    pub(super) fn policy(
        &mut self,
        book: &Registry,
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

/// A proof, with the pending postings that it covers.
pub(super) struct Proved {
    /// The result.
    pub proof: Proof,
    /// The instant of its snapshot.
    pub at: Instant,
    /// The pending postings, to be folded if the proof holds.
    pub pending: Vec<PostingId>,
}

/// Recomputes everything, or what changed since the checkpoint, from one read transaction.
///
/// # Errors
/// When the database fails.
pub(super) async fn run(engine: &Engine, whole: bool) -> Result<Proved, CommandError> {
    let shared = engine.shared();
    let book = Arc::clone(&engine.context().policy);
    let at = shared.clock.now();
    let read = async move |read: ReadSnapshot| all(read, book, whole).await;
    let (mut proof, pending) = shared.db.long_snapshot(read).await?;
    proof.ok = proof.violations.is_empty();
    Ok(Proved { proof, at, pending })
}

/// Runs all checks on one snapshot of the database; returns the postings still to be folded into
/// the checkpoint too.
async fn all(
    read: ReadSnapshot,
    book: Arc<Registry>,
    whole: bool,
) -> Result<(Proof, Vec<PostingId>), CommandError> {
    let mut proof = Proof::default();
    let (posted, scope) = proof_posted::posted(&read, &mut proof, whole).await?;
    // Every version that an order of this snapshot names is in the snapshot.
    book.refresh(&read).await?;
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

/// All open holds. Where the allocations cannot be decoded, the sums are read.
async fn holds(read: &ReadSnapshot, proof: &mut Proof) -> Result<Vec<hold::Model>, CommandError> {
    let select = hold::Entity::find().filter(hold::Column::State.eq(HoldState::Open));
    let mut rows = open(read, proof, select).await?;
    for id in proof.skipped("hold") {
        let sums = Sums::find_by(read, id).await?;
        rows.extend(sums.map(|sums| sums.hold(id)));
    }
    Ok(rows)
}

/// The plain columns of a hold whose allocations cannot be decoded.
#[derive(FromQueryResult)]
struct Sums {
    wallet_id: Uuid,
    amount: Money,
    bonus: Money,
    at: Instant,
    version: i64,
}

impl Sums {
    async fn find_by(read: &ReadSnapshot, id: Uuid) -> Result<Option<Self>, CommandError> {
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
            allocations: None,
            state: HoldState::Open,
            at,
            ended_at: None,
            version,
        }
    }
}
