//! Campaign codes that were entered, to count the wrong ones (LIM-6).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId};

/// One row of `code_try`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "code_try")]
pub struct Model {
    /// The try.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub person_id: PersonId,
    /// 1, 2, 3 … of this person.
    pub person_n: i64,
    /// Keyed hash of the network address, where it is known.
    pub address: Option<String>,
    /// 1, 2, 3 … from this address.
    pub address_n: Option<i64>,
    /// Was there no such code?
    pub wrong: bool,
    /// When.
    pub at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
