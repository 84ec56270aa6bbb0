//! Whoever signs in with a phone: client, staff and support alike.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, Lang, PersonId, Sealed};

/// One row of `person`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// The person.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PersonId,
    /// The number, sealed.
    pub phone: Sealed,
    /// Keyed hash of the number: how it is found.
    #[sea_orm(unique)]
    pub phone_hash: String,
    /// What the person is called, sealed.
    pub name: Option<Sealed>,
    /// The language to tell things in.
    pub lang: Lang,
    /// First sign-in.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
