//! The secret address of a branch's iCalendar feed.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PartnerId};

/// One row of `calendar_feed`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_feed")]
pub struct Model {
    /// The branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    /// The keyed hash of the secret in the address.
    pub token: String,
    /// Since when this address is valid.
    pub created_at: Instant,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
