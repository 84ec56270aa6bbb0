//! Special days: dates on which a branch's hours differ from the weekly ones (BK-12).

use sea_orm::entity::prelude::*;

use crate::value::PartnerId;

/// One row of `special_day`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "special_day")]
pub struct Model {
    /// The branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: PartnerId,
    /// The local date, `2026-12-31`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: String,
    /// Its hours; none means closed.
    #[sea_orm(column_type = "JsonBinary")]
    pub spans: Spans,
    /// The reason, a free text for human readers.
    pub note: String,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The hours of one day.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult,
)]
#[serde(transparent)]
pub struct Spans(pub Vec<DaySpan>);

/// One opening span in minutes after local midnight; past 1440 it runs into the next day.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct DaySpan {
    /// Minutes after local midnight.
    #[schema(minimum = 0, maximum = 1439)]
    pub opens_min: i16,
    /// Minutes after the same midnight, exclusive.
    #[schema(minimum = 1, maximum = 2879)]
    pub closes_min: i16,
}
