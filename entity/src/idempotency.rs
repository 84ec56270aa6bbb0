//! Answers kept for repeated commands (ORD-4).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `idempotency`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Who sent it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub actor: Uuid,
    /// To which command.
    #[sea_orm(primary_key, auto_increment = false)]
    pub route: String,
    /// Under which key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Of the body it came with.
    pub body_hash: String,
    /// JSON; personal data sealed.
    pub answer: String,
    /// When.
    pub at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
