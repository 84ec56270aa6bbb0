//! Persons: everyone who signs in with a phone, whether client, staff or support.

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
    /// Keyed hash of the number, by which a person is found.
    #[sea_orm(unique)]
    pub phone_hash: String,
    /// The person's name, sealed.
    pub name: Option<Sealed>,
    /// The language of messages to the person.
    pub lang: Lang,
    /// When the person first signed in.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
