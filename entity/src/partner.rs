//! Branches: one service point with one address is one partner.

use sea_orm::entity::prelude::*;

use crate::value::{Instant, OrganisationId, PartnerId, Sealed, ServiceId};

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
    /// The secret the code shown at the branch is computed from (LIM-3), sealed.
    pub arrival_code: Sealed,
    /// Paused, or closed for today, until then (BK-13).
    pub closed_until: Option<Instant>,
    /// Its slot grid, minutes; the policy's where none is set (BK-1).
    pub grid_min: Option<i16>,
    /// Bookings are let go free until so many minutes before; the policy's where none is set
    /// (PEN-1).
    pub free_cancel_min: Option<i32>,
    /// Which bookings it confirms by itself (BK-4).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub auto_confirm: Option<AutoConfirm>,
    /// Accepts add-ons by itself (ADD-1).
    pub auto_add_on: bool,
    /// Takes quick orders whose client is expected after closing.
    pub late_arrivals: bool,
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

/// Which bookings a branch confirms by itself (BK-4).
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    sea_orm::FromJsonQueryResult,
)]
#[serde(default, deny_unknown_fields)]
pub struct AutoConfirm {
    /// All.
    pub all: bool,
    /// Those of these services alone.
    pub service_ids: Vec<ServiceId>,
    /// Those that start within these weekly hours.
    pub hours: Vec<AutoHours>,
}

/// Weekly hours in which bookings that start are confirmed by themselves.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct AutoHours {
    /// 1 Monday … 7 Sunday.
    pub weekday: i16,
    /// Minutes after local midnight.
    pub from_min: i16,
    /// Minutes after the same midnight, exclusive.
    pub until_min: i16,
}
