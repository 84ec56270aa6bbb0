//! Outbox messages: what has an effect outside the engine, written in the transaction of its cause.

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `outbox`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// The id of the event it is about, the same for every consumer and every attempt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What happened, in the past tense.
    pub kind: String,
    /// The id of what it is about, for most an order.
    pub subject: Option<Uuid>,
    /// JSON: the audiences in whose feeds the event stands. No personal data.
    pub payload: String,
    /// The transaction's instant.
    pub created_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
