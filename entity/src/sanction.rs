//! Sanctions: temporary restrictions of a client or a branch (SAN).

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
    /// The kind of sanction.
    pub kind: SanctionKind,
    /// When it begins.
    pub began_at: Instant,
    /// When it is to end.
    pub until: Instant,
    /// When it did end, by its timer or lifted.
    pub ended_at: Option<Instant>,
    /// The reason, a free text for human readers.
    pub reason: String,
    /// The strikes it was imposed for.
    #[sea_orm(column_type = "JsonBinary")]
    pub cause: Json,
    /// Support has allowed another operator to register at the address (SAN-4).
    pub address_lifted: bool,
    /// The support agent who imposed it; none if the engine did.
    pub by_person: Option<PersonId>,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The kind of a sanction.
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
    /// A client may place no orders (SAN-1).
    ClientBan,
    /// A partner is warned, and its rating drops (SAN-2).
    PartnerWarning,
    /// A partner is ranked lower in search (SAN-2).
    PartnerVisibility,
    /// A partner is blocked (SAN-2, SAN-4).
    PartnerBlock,
}
