//! Owners of bonus: the row every change of a queue's order is serialised by (BON-1).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `purse`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purse")]
pub struct Model {
    /// The owner: a client or a branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Which of the two.
    pub kind: OwnerKind,
    /// Is there a lot in its queue?
    pub live: bool,
    /// Since when.
    pub created_at: Instant,
    /// Optimistic version: raised whenever the queue's order changes.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who owns bonus.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// A car's owner.
    Client,
    /// A branch.
    Partner,
}
