//! Strikes: the incidents that count for or against a client or a branch (SAN-3).

use sea_orm::entity::prelude::*;

use crate::kinds::{Stored, StrikeKind};
use crate::value::{Instant, MarkId, OrderId};

/// One row of `mark`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "strike")]
pub struct Model {
    /// The strike.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MarkId,
    /// The client or the branch.
    pub subject: Uuid,
    /// The kind of incident.
    pub kind: Stored<StrikeKind>,
    /// The order it happened in.
    pub order_id: OrderId,
    /// When it happened.
    pub at: Instant,
    /// When it was voided and stopped counting (PEN-7).
    pub voided_at: Option<Instant>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
