//! Branches: a partner is one service point at one address.

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
    /// The name clients see.
    pub name: String,
    /// Its postal address.
    pub address: String,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// IANA time zone.
    pub zone: String,
    /// The stage of its life.
    pub state: PartnerState,
    /// Whether the branch itself takes orders now.
    pub taking_orders: bool,
    /// Minutes added to the route time; never below the policy's (QO-1).
    pub arrival_buffer_min: i32,
    /// The secret the code shown at the branch is computed from (LIM-3), sealed.
    pub arrival_code: Sealed,
    /// Until when it is paused, or closed for today (BK-13).
    pub closed_until: Option<Instant>,
    /// Its slot grid, minutes; the policy's where none is set (BK-1).
    pub grid_min: Option<i16>,
    /// Cancelling a booking is free until so many minutes before; the policy's where none is set
    /// (PEN-1).
    pub free_cancel_min: Option<i32>,
    /// Which bookings it confirms automatically (BK-4).
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub auto_confirm: Option<AutoConfirm>,
    /// Whether it accepts add-ons automatically (ADD-1).
    pub auto_add_on: bool,
    /// Whether it takes quick orders whose client is expected after closing.
    pub late_arrivals: bool,
    /// When the row was created.
    pub created_at: Instant,
    /// Optimistic version.
    pub version: i64,
}

/// Empty: the module that owns the table reads its rows, not the ORM through relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The stage of a branch's life (ACC-2).
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
    /// Visible to clients.
    Live,
    /// Blocked by a sanction.
    Blocked,
}

/// Which bookings a branch confirms automatically (BK-4).
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
    /// All bookings.
    pub all: bool,
    /// Only bookings of these services.
    #[schema(max_items = 200)]
    pub service_ids: Vec<ServiceId>,
    /// Only bookings that start within these weekly hours.
    #[schema(max_items = 70)]
    pub hours: Vec<AutoHours>,
}

/// Weekly hours: bookings that start within them are confirmed automatically.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct AutoHours {
    /// 1 Monday … 7 Sunday.
    #[schema(minimum = 1, maximum = 7)]
    pub weekday: i16,
    /// Minutes after local midnight.
    #[schema(minimum = 0, maximum = 1439)]
    pub from_min: i16,
    /// Minutes after the same midnight, exclusive.
    #[schema(minimum = 1, maximum = 2879)]
    pub until_min: i16,
}
