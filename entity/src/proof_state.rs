//! The state of the ledger's proof, shared by all nodes: who runs it, and its last result (BAL-6).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// The one row of `proof_state`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof_state")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// The node that holds the prover's lease.
    pub holder: Option<Uuid>,
    /// When the lease ends by the database's clock, microseconds since 1970.
    pub lease_until_us: i64,
    /// The instant of the newest whole proof.
    pub whole_at: Option<Instant>,
    /// Whether it held.
    pub whole_ok: bool,
    /// The instant of the newest proof, whole or incremental.
    pub step_at: Option<Instant>,
    /// Whether it held.
    pub step_ok: bool,
    /// The instant of the newest proof, of either kind, that held.
    pub held_at: Option<Instant>,
    /// The proof repeatedly failed to run for a reason that does not resolve by itself.
    pub unprovable: bool,
    /// What the newest failed proof found: JSON.
    pub findings: String,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
