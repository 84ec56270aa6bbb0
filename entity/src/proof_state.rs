//! The standing proof as all nodes share it: who runs it, and what it said last. One row (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// The one row of `proof_state`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof_state")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// The node that holds the lease of the prover.
    pub holder: Option<Uuid>,
    /// When the lease ends, by the database's clock: microseconds since 1970.
    pub lease_until_us: i64,
    /// The instant of the newest whole proof.
    pub whole_at: Option<Instant>,
    /// Did it hold?
    pub whole_ok: bool,
    /// The instant of the newest proof, whole or incremental.
    pub step_at: Option<Instant>,
    /// Did it hold?
    pub step_ok: bool,
    /// The instant of the newest proof, of either kind, that held.
    pub held_at: Option<Instant>,
    /// The proof failed to run again and again, for a reason that does not go away by itself.
    pub unprovable: bool,
    /// What the newest proof that did not hold found: JSON.
    pub findings: String,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
