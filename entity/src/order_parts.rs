//! What the JSON columns of an order hold: what it was placed under, and what is proposed.

use chrono::{DateTime, Utc};

use crate::order::Actor;
use crate::value::{BayId, Bp, Money, Point, ProposalId, ServiceId};

/// What an order was placed under: names, prices, durations, zone, route, cancellation terms
/// (ORD-7).
#[derive(
    Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult,
)]
pub struct Snapshot {
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
    /// Where the client was at placing.
    pub origin: Point,
    /// The services, priced.
    pub lines: Vec<Line>,
    /// Route time at placing, seconds (QO-4).
    pub route_secs: i64,
    /// Arrival buffer, seconds (QO-1).
    pub buffer_secs: i64,
    /// Fee rate of a late cancel (PEN-2).
    pub fee_bp: Bp,
    /// Its cap (PEN-1, PEN-2).
    pub fee_cap: Money,
    /// A booking is let go free until so many minutes before its start (PEN-1).
    #[serde(default)]
    pub free_cancel_min: i64,
    /// Confirmed later than that, it is let go free for so many minutes (PEN-1).
    #[serde(default)]
    pub fresh_cancel_min: i64,
    /// What the bay must be for (BK-1).
    #[serde(default)]
    pub bay_kind: Option<String>,
}

impl Snapshot {
    /// Of an order whose snapshot cannot be decoded: nothing is known of it.
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

/// Five-minute ticks of one bay, as a visit takes them: the whole of what it needs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct Place {
    /// The bay.
    pub bay_id: BayId,
    /// From then.
    pub from: DateTime<Utc>,
    /// Until then, exclusive.
    pub until: DateTime<Utc>,
}

/// What one side of an order proposes to the other (ADD-1, BK-8).
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
    /// Its id: answers name it.
    pub id: ProposalId,
    /// Who proposes.
    pub by: Actor,
    /// When.
    pub at: DateTime<Utc>,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub what: Proposed,
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proposed {
    /// More services (ADD-1).
    AddOn {
        /// Those that are added, priced for the car.
        services: Vec<Line>,
        /// The total with them.
        total: Money,
    },
    /// Another start (BK-8).
    Reschedule {
        /// The start.
        starts_at: DateTime<Utc>,
        /// The end.
        ends_at: DateTime<Utc>,
        /// The bay that is held for it meanwhile.
        place: Place,
        /// Proposed by the client when cancelling was no longer free.
        late: bool,
    },
}

/// One service of an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Line {
    /// The service.
    pub id: ServiceId,
    /// What kind of work it is.
    pub code: String,
    /// Its name when it was agreed.
    pub name: String,
    /// Its price when it was agreed.
    pub price: Money,
    /// Its duration, minutes.
    pub minutes: i32,
    /// The rest of the bay after it, minutes (BK-1).
    #[serde(default)]
    pub buffer_min: i32,
}
