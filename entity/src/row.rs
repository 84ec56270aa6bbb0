//! Rows that commands read, change at the version they read, and keep in the row cache.

use sea_orm::ModelTrait;
use uuid::Uuid;

/// When a commit locks the rows of a table; the fixed order prevents deadlocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockTier {
    /// Before all others, new rows included: what commits that wait for one another wait for.
    First,
    /// Rows with a version.
    Versioned,
    /// Rows without a version, changed by amounts.
    Hot,
}

/// A table and when its rows are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// When a commit locks its rows.
    pub tier: LockTier,
}

impl Table {
    /// A table whose rows have no version and change by amounts.
    #[must_use]
    pub const fn hot(name: &'static str) -> Self {
        Self { name, tier: LockTier::Hot }
    }
}

/// A row that is updated at the version it was read at.
pub trait Row: ModelTrait + Clone + Send + Sync + 'static {
    /// Its table, with its place in the lock order.
    const TABLE: Table;

    /// Its key: one id.
    fn key(&self) -> Uuid;

    /// The version it was read at.
    fn version(&self) -> i64;

    /// The same row with the next version.
    #[must_use]
    fn raised(self) -> Self;
}

macro_rules! rows {
    ($($table:ident: $tier:ident),+ $(,)?) => {$(
        impl Row for crate::$table::Model {
            const TABLE: Table = Table { name: stringify!($table), tier: LockTier::$tier };

            fn key(&self) -> Uuid {
                self.id.into()
            }

            fn version(&self) -> i64 {
                self.version
            }

            fn raised(mut self) -> Self {
                self.version += 1;
                self
            }
        }
    )+

    #[cfg(test)]
    const NAMES: &[(&str, fn() -> String)] = &[$((
        stringify!($table),
        || sea_orm::EntityName::table_name(&crate::$table::Entity).to_owned(),
    )),+];
    };
}

rows! {
    // A new order waits for the car's open one (QO-7), whose writer may wait for the feeds, so it
    // is inserted where orders are locked. All other new rows are protected by the row they belong
    // to.
    order: First,
    bay_block: Versioned,
    bonus_account: Versioned,
    car: Versioned,
    hold: Versioned,
    // A lot is reserved by an amount or changed at its version, and a person's version is raised by
    // either: both in the same place of the order.
    lot: Versioned,
    partner: Versioned,
    payable: Versioned,
    payment: Versioned,
    payout: Versioned,
    payout_terms: Versioned,
    penalty: Versioned,
    person: Versioned,
    reservation: Versioned,
    sanction: Versioned,
    service: Versioned,
    session: Versioned,
    staff_invitation: Versioned,
    stray_payment: Versioned,
    waiver: Versioned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_its_table() {
        for (name, table) in NAMES {
            assert_eq!(*name, table(), "{name}");
        }
    }
}
