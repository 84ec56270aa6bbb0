//! Waivers: one act undoes a penalty and all its consequences, and can itself be undone (PEN-7).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PenaltyId, PersonId, WaiverId};

/// One row of `waiver`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "waiver")]
pub struct Model {
    /// The waiver.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WaiverId,
    /// The waived penalty.
    pub penalty_id: PenaltyId,
    /// The support agent.
    pub by_person: PersonId,
    /// The reason.
    pub reason: String,
    /// The changed data before the waiver.
    #[sea_orm(column_type = "JsonBinary")]
    pub before: Json,
    /// The same data after it.
    #[sea_orm(column_type = "JsonBinary")]
    pub after: Json,
    /// When the penalty was waived.
    pub at: Instant,
    /// When it was undone.
    pub undone_at: Option<Instant>,
    /// Who undid it.
    pub undone_by: Option<PersonId>,
    /// The reason for that.
    pub undone_reason: Option<String>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
