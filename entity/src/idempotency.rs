//! Stored answers of commands, returned when the same command is sent again (ORD-4).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `idempotency`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// Who sent it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub actor: Uuid,
    /// The route of the command.
    #[sea_orm(primary_key, auto_increment = false)]
    pub route: String,
    /// The idempotency key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The hash of the request body.
    pub body_hash: String,
    /// The stored answer: JSON, personal data sealed.
    pub answer: String,
    /// When.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
