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
    /// Since when this address is good.
    pub created_at: Instant,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
