//! Versions of the policy keys.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId};

/// One row of `policy_version`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_version")]
pub struct Model {
    /// 1, 2, 3 …
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    /// The keys, as TOML.
    pub body: String,
    /// In force from then.
    pub effective_at: Instant,
    /// When it was written.
    pub published_at: Instant,
    /// By whom; nobody for the first.
    pub published_by: Option<PersonId>,
    /// Why, for people; nothing for the first.
    pub reason: Option<String>,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
