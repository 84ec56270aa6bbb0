//! Who works at a branch (ACC-4).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PartnerId, PersonId};

/// One row of `staff`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub struct Model {
    /// The branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    /// The person.
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: PersonId,
    /// What the person is there.
    pub role: StaffRole,
    /// Since when.
    pub created_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a person is at a branch.
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
pub enum StaffRole {
    /// May everything, on every branch of the organisation.
    Owner,
    /// May everything on the branch but name owners.
    Manager,
    /// Answers and serves orders.
    Operator,
    /// Looks on.
    Viewer,
}
