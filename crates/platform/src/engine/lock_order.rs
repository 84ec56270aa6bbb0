//! The fixed order in which rows are locked everywhere; it prevents deadlocks.

use entity::row::LockTier;

use super::write_set::{Cell, NewRow, Write};

/// The position of a write in the lock order: rows by the tier of their table, then by table and
/// key; then what locks no row that another command waits for; occupancy cells last.
#[must_use]
pub fn lock_order(write: &Write) -> (u8, String) {
    match write {
        Write::Insert { kind: NewRow::Locked, .. } => (0, String::new()),
        Write::Update { table, key, .. }
        | Write::Check { table, key, .. }
        | Write::Set { table, key, .. } => (tier(table.tier), place(table.name, key)),
        Write::Adjust(adjust) => (tier(adjust.table.tier), place(adjust.table.name, &adjust.key)),
        Write::Count(count) => (tier(count.table.tier), place(count.table.name, &count.key)),
        Write::Insert { kind: NewRow::Plain | NewRow::OrKeep, .. }
        | Write::Replace { .. }
        | Write::Delete { .. } => (3, String::new()),
        Write::Free(_) => (4, String::new()),
        Write::Take(claim) => (5, format!("{}{:020}", claim.resource, claim.from)),
    }
}

fn tier(tier: LockTier) -> u8 {
    match tier {
        LockTier::First => 0,
        LockTier::Versioned => 1,
        LockTier::Hot => 2,
    }
}

fn place(table: &str, key: &[Cell]) -> String {
    format!("{table}{key:?}")
}
