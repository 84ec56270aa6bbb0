//! What somebody is kept from for a time (SAN).

use sea_orm::entity::prelude::*;

use crate::value::{Instant, PersonId, SanctionId};

/// One row of `sanction`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sanction")]
pub struct Model {
    /// The sanction.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SanctionId,
    /// The client or the branch.
    pub subject: Uuid,
    /// What it is.
    pub kind: SanctionKind,
    /// From then.
    pub began_at: Instant,
    /// Until then.
    pub until: Instant,
    /// When it ended, by its timer or lifted.
    pub ended_at: Option<Instant>,
    /// Why, for people.
    pub reason: String,
    /// The marks it was imposed for.
    #[sea_orm(column_type = "JsonBinary")]
    pub cause: Json,
    /// Support lets a new operator register at the address (SAN-4).
    pub address_lifted: bool,
    /// Who of support imposed it; the engine where nobody is named.
    pub by_person: Option<PersonId>,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a sanction is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    EnumIter,
    DeriveActiveEnum,
    strum::Display,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SanctionKind {
    /// A client places nothing (SAN-1).
    ClientBan,
    /// A partner is warned, and its rating suffers (SAN-2).
    PartnerWarning,
    /// A partner is seen less (SAN-2).
    PartnerVisibility,
    /// A partner is shut out (SAN-2, SAN-4).
    PartnerBlock,
}
