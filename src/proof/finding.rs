//! The findings of a proof: the violations, and the number of rows checked (BAL-6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entity::value::OrderId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy::{Policy, Registry};
use platform::db::readable::{Rows, Unreadable};

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

    /// Counts rows as checked and lists those that could not be decoded.
    pub(super) fn took<M>(&mut self, table: &str, found: Rows<M>) -> Vec<M> {
        self.checked(table, found.rows.len());
        for row in found.unreadable {
            self.unreadable(&row);
        }
        found.rows
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
    ) -> Option<Arc<Policy>> {
        let found = book.version(version).ok();
        if found.is_none() {
            self.wrong("order_policy", "order", order_id, format!("there is no policy {version}"));
        }
        found
    }
}
