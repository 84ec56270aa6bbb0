//! Versions of the policy keys.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId};

/// One row of `policy_version`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_version")]
pub struct Model {
    /// The version, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    /// The keys, as TOML.
    pub body: String,
    /// The instant it takes effect.
    pub effective_at: Instant,
    /// When it was published.
    pub published_at: Instant,
    /// Who published it; nobody for the first.
    pub published_by: Option<PersonId>,
    /// The reason, a free text for human readers; none for the first.
    pub reason: Option<String>,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
