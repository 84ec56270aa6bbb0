//! Bonus accounts: the row that serialises every change of an owner's lot queue (BON-1).

use sea_orm::entity::prelude::*;

use crate::value::Instant;

/// One row of `bonus_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bonus_account")]
pub struct Model {
    /// The owner: a client or a branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The kind of owner.
    pub kind: OwnerKind,
    /// Whether its queue holds a lot.
    pub live: bool,
    /// When the row was created.
    pub created_at: Instant,
    /// Optimistic version: raised whenever the order of the queue changes.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The kind of owner of bonus.
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
    /// A client.
    Client,
    /// A branch.
    Partner,
}
