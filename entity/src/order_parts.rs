//! The JSON columns of an order: the terms it was placed under, and the open proposal.

use chrono::{DateTime, Utc};

use crate::value::{Actor, BayId, Bp, Money, Point, ProposalId, ServiceId};

/// The terms an order was placed under: names, prices, durations, zone, route, cancellation terms
/// (ORD-7).
#[derive(
    Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult,
)]
pub struct OrderTerms {
    /// The partner's name.
    pub partner_name: String,
    /// The partner's address.
    pub partner_address: String,
    /// Where the partner is.
    pub partner_point: Point,
    /// IANA zone of the branch.
    pub zone: String,
    /// The car's make.
    pub car_make: String,
    /// Where the client was when placing the order.
    pub origin: Point,
    /// The services, priced.
    pub lines: Vec<OrderedService>,
    /// Route time when the order was placed, seconds (QO-4).
    pub route_secs: i64,
    /// Arrival buffer, seconds (QO-1).
    pub buffer_secs: i64,
    /// Fee rate of a late cancellation (PEN-2).
    pub fee_bp: Bp,
    /// The cap of that fee (PEN-1, PEN-2).
    pub fee_cap: Money,
    /// Cancelling a booking is free until so many minutes before its start (PEN-1).
    #[serde(default)]
    pub free_cancel_min: i64,
    /// If it was confirmed later than that, cancelling is free for so many minutes after (PEN-1).
    #[serde(default)]
    pub fresh_cancel_min: i64,
    /// The kind of bay it needs (BK-1).
    #[serde(default)]
    pub bay_kind: Option<String>,
}

impl OrderTerms {
    /// The placeholder for an order whose snapshot cannot be decoded: every value is unknown.
    #[must_use]
    pub fn blank() -> Self {
        let nowhere = Point { lat: 0.0, lon: 0.0 };
        Self {
            partner_name: String::new(),
            partner_address: String::new(),
            partner_point: nowhere,
            zone: "UTC".to_owned(),
            car_make: String::new(),
            origin: nowhere,
            lines: Vec::new(),
            route_secs: 0,
            buffer_secs: 0,
            fee_bp: Bp(0),
            fee_cap: Money::ZERO,
            free_cancel_min: 0,
            fresh_cancel_min: 0,
            bay_kind: None,
        }
    }
}

/// The occupancy of one bay by one visit: all the five-minute cells it needs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct BayAllocation {
    /// The bay.
    pub bay_id: BayId,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub until: DateTime<Utc>,
}

/// A proposal of one side of an order to the other (ADD-1, BK-8).
#[derive(
    Clone,
    Debug,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
    sea_orm::FromJsonQueryResult,
)]
pub struct Proposal {
    /// Its id, which answers refer to.
    pub id: ProposalId,
    /// The side that proposes.
    pub by: Actor,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
    /// What is proposed.
    #[serde(flatten)]
    pub what: Proposed,
}

/// The content of a proposal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proposed {
    /// More services (ADD-1).
    AddOn {
        /// The added services, priced for the car.
        services: Vec<OrderedService>,
        /// The total including them.
        total: Money,
    },
    /// Another start (BK-8).
    Reschedule {
        /// The start.
        starts_at: DateTime<Utc>,
        /// The end.
        ends_at: DateTime<Utc>,
        /// The bay allocation held for it until it is answered.
        place: BayAllocation,
        /// Whether the client proposed it when cancelling was no longer free.
        late: bool,
    },
}

/// One service of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct OrderedService {
    /// The service.
    pub id: ServiceId,
    /// The kind of work.
    pub code: String,
    /// Its name when it was agreed.
    pub name: String,
    /// Its price when it was agreed.
    pub price: Money,
    /// Its duration, minutes.
    pub minutes: i32,
    /// The buffer of the bay after it, minutes (BK-1).
    #[serde(default)]
    pub buffer_min: i32,
}
