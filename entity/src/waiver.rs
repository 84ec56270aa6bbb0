//! A penalty undone, with all that followed from it: one act, which can itself be undone
//! (PEN-7).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PenaltyId, PersonId, WaiverId};

/// One row of `waiver`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "waiver")]
pub struct Model {
    /// The act.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WaiverId,
    /// Of which penalty.
    pub penalty_id: PenaltyId,
    /// Who of support.
    pub by_person: PersonId,
    /// Why.
    pub reason: String,
    /// Everything it changed, as it was.
    #[sea_orm(column_type = "JsonBinary")]
    pub before: Json,
    /// The same, as it then was.
    #[sea_orm(column_type = "JsonBinary")]
    pub after: Json,
    /// When.
    pub at: Instant,
    /// When it was undone.
    pub undone_at: Option<Instant>,
    /// Who undid it.
    pub undone_by: Option<PersonId>,
    /// Why.
    pub undone_reason: Option<String>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
