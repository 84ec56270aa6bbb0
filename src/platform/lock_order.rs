//! The fixed order in which rows are locked everywhere; it prevents deadlocks.

use super::write_set::Write;

/// Is it the order table? A new order waits for the car's open one (QO-7), whose writer may wait
/// for the feeds, so it is inserted where orders are locked. All other new rows are protected by
/// the row they belong to.
#[must_use]
pub fn is_order(table: &str) -> bool {
    table == "order"
}

/// The position of a write in the lock order: orders, other rows, wallets; each by key.
#[must_use]
pub fn lock_order(write: &Write) -> (u8, String) {
    match write {
        Write::Update { table: "order", key, .. } | Write::Set { table: "order", key, .. } => {
            (0, format!("{key:?}"))
        }
        Write::Insert { table, .. } if is_order(table) => (0, String::new()),
        Write::Update { table, key, .. }
        | Write::Check { table, key, .. }
        | Write::Set { table, key, .. } => (1, format!("{table}{key:?}")),
        // A lot is reserved by an amount or changed at its version, and a person's version is
        // raised by either: both use the same order.
        Write::Adjust(adjust) if matches!(adjust.table, "lot" | "person") => {
            (1, format!("{}{:?}", adjust.table, adjust.key))
        }
        Write::Adjust(adjust) => (2, format!("{}{:?}", adjust.table, adjust.key)),
        Write::Count(count) => (2, format!("{}{:?}", count.table, count.key)),
        Write::Insert { .. } | Write::Replace { .. } | Write::Delete { .. } => (3, String::new()),
        Write::Free(_) => (4, String::new()),
        Write::Take(claim) => (5, format!("{}{:020}", claim.resource, claim.from)),
    }
}
