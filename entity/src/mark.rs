//! What counts for or against somebody, as it happened (SAN-3).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, MarkId, OrderId};

/// One row of `mark`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mark")]
pub struct Model {
    /// The mark.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MarkId,
    /// The client or the branch.
    pub subject: Uuid,
    /// What happened.
    pub kind: String,
    /// In which order.
    pub order_id: OrderId,
    /// When.
    pub at: Instant,
    /// Undone: it no longer counts (PEN-7).
    pub voided_at: Option<Instant>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
