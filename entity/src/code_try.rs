//! Attempts to enter a campaign code, kept to count the wrong ones (LIM-6).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId};

/// One row of `code_try`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "code_try")]
pub struct Model {
    /// The attempt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The person who entered it.
    pub person_id: PersonId,
    /// Sequence number per person, from 1.
    pub person_n: i64,
    /// Keyed hash of the network address, where it is known.
    pub address: Option<String>,
    /// Sequence number per address, from 1.
    pub address_n: Option<i64>,
    /// Whether no campaign had this code.
    pub wrong: bool,
    /// When.
    pub at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
