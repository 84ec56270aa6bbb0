//! The scope of a proof: whole tables in batches, or the rows that changed since the checkpoint. A
//! row that cannot be decoded is listed and does not stop the proof.

use std::collections::{BTreeSet, VecDeque};

use sea_orm::{
    ColumnTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::finding::Proof;
use crate::policy::Registry;
use platform::db::readable;
use platform::{CommandError, ReadSnapshot};

/// Rows read at once.
pub(super) const BATCH: u64 = 5_000;
/// Maximum number of keys in one statement.
pub(super) const NAMED: usize = 1_000;

/// Which rows a proof checks beside wallets, holds and open orders, which it always checks.
pub(super) enum ProofScope {
    /// All rows.
    Whole,
    /// The rows about which something was posted since the checkpoint.
    Since(Touched),
}

/// The rows touched since the checkpoint.
#[derive(Default)]
pub(super) struct Touched {
    /// The subjects of postings, of any kind.
    pub subjects: BTreeSet<Uuid>,
    /// Orders named by postings, and orders completed since.
    pub orders: BTreeSet<Uuid>,
    /// The payables of those orders.
    pub payables: BTreeSet<Uuid>,
    /// Lots named by postings.
    pub lots: BTreeSet<Uuid>,
}

/// The snapshot, the policies and the scope of a proof.
pub(super) struct Reading<'a> {
    /// The snapshot.
    pub read: &'a ReadSnapshot,
    /// The policy versions that orders were placed under.
    pub book: &'a Registry,
    /// The scope.
    pub scope: &'a ProofScope,
}

impl Reading<'_> {
    /// A walk over a table: all of it, or the rows that `pick` names.
    pub fn walk(&self, pick: impl FnOnce(&Touched) -> Vec<Uuid>) -> Walk {
        match self.scope {
            ProofScope::Whole => Walk::all(),
            ProofScope::Since(touched) => Walk::over(&pick(touched)),
        }
    }

    /// Whether a row is in scope; `picked` decides for an incremental proof.
    pub fn looks_at(&self, picked: impl FnOnce(&Touched) -> bool) -> bool {
        match self.scope {
            ProofScope::Whole => true,
            ProofScope::Since(touched) => picked(touched),
        }
    }

    /// Whether everything is in scope.
    pub fn whole(&self) -> bool {
        matches!(self.scope, ProofScope::Whole)
    }
}

/// A walk over the rows of a table, batch by batch.
pub(super) struct Walk {
    named: Option<VecDeque<Vec<Uuid>>>,
    after: Uuid,
}

impl Walk {
    /// Over the whole table.
    pub fn all() -> Self {
        Self { named: None, after: Uuid::nil() }
    }

    /// Over these rows only.
    pub fn over(ids: &[Uuid]) -> Self {
        let chunks = ids.chunks(NAMED).map(<[Uuid]>::to_vec).collect();
        Self { named: Some(chunks), after: Uuid::nil() }
    }

    /// The next batch, in key order; nothing at the end. Rows that cannot be decoded are listed in
    /// the proof.
    pub async fn next<E: EntityTrait>(
        &mut self,
        read: &ReadSnapshot,
        proof: &mut Proof,
        select: Select<E>,
        id: impl Fn(&E::Model) -> Uuid,
    ) -> Result<Option<Vec<E::Model>>, CommandError> {
        let key = readable::key::<E>()?;
        let select = match &mut self.named {
            Some(chunks) => {
                let Some(ids) = chunks.pop_front() else { return Ok(None) };
                select.filter(key.is_in(ids)).order_by_asc(key)
            }
            None => select.filter(key.gt(self.after)).order_by_asc(key).limit(BATCH),
        };
        let found = readable::all(read, select).await?;
        let last = found.rows.iter().map(&id).chain(found.unreadable.iter().map(|row| row.id));
        let last = last.max();
        if self.named.is_none() {
            let Some(last) = last else { return Ok(None) };
            self.after = last;
        }
        Ok(Some(proof.took(E::default().table_name(), found)))
    }
}

/// All rows of a query over open rows, whose number is bounded; those that cannot be decoded are
/// listed.
pub(super) async fn open<E: EntityTrait>(
    read: &ReadSnapshot,
    proof: &mut Proof,
    select: Select<E>,
) -> Result<Vec<E::Model>, CommandError> {
    let found = readable::all(read, select).await?;
    Ok(proof.took(E::default().table_name(), found))
}
