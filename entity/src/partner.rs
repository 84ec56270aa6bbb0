//! Branches: one service point with one address is one partner.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OrganisationId, PartnerId, Sealed};

/// One row of `partner`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "partner")]
pub struct Model {
    /// The branch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerId,
    /// The business it belongs to.
    pub organisation_id: OrganisationId,
    /// What clients read.
    pub name: String,
    /// Where it is, in words.
    pub address: String,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// IANA time zone.
    pub zone: String,
    /// Where it stands in its life.
    pub state: PartnerState,
    /// The branch's own switch.
    pub taking_orders: bool,
    /// Minutes on top of the route; never below the policy's (QO-1).
    pub arrival_buffer_min: i32,
    /// The code shown at the branch (ARR-1), sealed.
    pub arrival_code: Sealed,
    /// Since when.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// No relation is followed by the ORM: rows are read by whoever owns them.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a branch stands in its life (ACC-2).
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
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum PartnerState {
    /// Not yet admitted.
    Draft,
    /// Seen by clients.
    Live,
    /// Shut out.
    Blocked,
}
