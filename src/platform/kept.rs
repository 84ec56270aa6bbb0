//! Rows this node saw last, so that most commands need no read before they decide.
//!
//! Nothing rests on them unchecked: a row taken from here is either updated at its version or its
//! version is checked by the flush; a refusal, or an answer without a change, is never given on
//! their word alone – the command is run again on fresh reads first.

use std::any::{Any, TypeId};
use std::sync::Arc;

use sea_orm::ModelTrait;
use uuid::Uuid;

/// Rows kept at most.
const ROWS_MAX: u64 = 100_000;

/// How the bus says that a kept row changed without its version.
pub const TOPIC: &str = "row:";

/// A row that is updated at the version it was read at.
pub trait Versioned: ModelTrait + Clone + Send + Sync + 'static {
    /// The version it was read at.
    fn version(&self) -> i64;

    /// The same row one version later.
    #[must_use]
    fn raised(self) -> Self;

    /// Its key, where that is a single id.
    fn id(&self) -> Uuid;
}

macro_rules! versioned {
    ($($table:ident),+) => {$(
        impl Versioned for ::entity::$table::Model {
            fn version(&self) -> i64 {
                self.version
            }

            fn raised(mut self) -> Self {
                self.version += 1;
                self
            }

            fn id(&self) -> Uuid {
                self.id.0
            }
        }
    )+};
}

versioned!(
    order,
    person,
    session,
    partner,
    service,
    car,
    hold,
    penalty,
    bay_block,
    sanction,
    waiver,
    lot,
    reservation,
    payment,
    payable,
    payout,
    payout_terms,
    staff_invitation,
    stray_payment
);

impl Versioned for entity::purse::Model {
    fn version(&self) -> i64 {
        self.version
    }

    fn raised(mut self) -> Self {
        self.version += 1;
        self
    }

    fn id(&self) -> Uuid {
        self.id
    }
}

/// The rows.
pub struct Kept(moka::sync::Cache<(TypeId, Uuid), Arc<dyn Any + Send + Sync>>);

impl Default for Kept {
    fn default() -> Self {
        Self(moka::sync::Cache::new(ROWS_MAX))
    }
}

impl Kept {
    /// The row as this node saw it last.
    #[must_use]
    pub fn get<M: Versioned>(&self, id: Uuid) -> Option<M> {
        let row = self.0.get(&(TypeId::of::<M>(), id))?;
        row.downcast_ref::<M>().cloned()
    }

    /// Keeps a row, unless a newer one is kept.
    pub fn put<M: Versioned>(&self, row: M) {
        let id = row.id();
        if self.get::<M>(id).is_none_or(|kept| kept.version() <= row.version()) {
            self.0.insert((TypeId::of::<M>(), id), Arc::new(row));
        }
    }

    /// Forgets a row, of whatever table.
    pub fn forget(&self, id: Uuid) {
        for kind in [
            TypeId::of::<::entity::order::Model>(),
            TypeId::of::<::entity::partner::Model>(),
            TypeId::of::<::entity::person::Model>(),
            TypeId::of::<::entity::car::Model>(),
        ] {
            self.0.invalidate(&(kind, id));
        }
    }

    /// Forgets everything: wake-ups were missed.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }
}
