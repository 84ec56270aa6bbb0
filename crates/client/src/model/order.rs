//! Orders and what they name: partners, services, cars, slots, proposals.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::point::Point;

/// Money on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Money {
    /// Whole qəpik.
    pub amount: i64,
}

/// The public status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Placed, waiting for the partner's answer.
    Requested,
    /// Accepted.
    Confirmed,
    /// The client has departed.
    OnTheWay,
    /// The car was admitted.
    Active,
    /// Done.
    Completed,
    /// Ended without service.
    Cancelled,
}

impl Status {
    /// Whether nothing more can happen.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// The partner of an order or a search result.
#[derive(Debug, Clone, Deserialize)]
pub struct Partner {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Where it is.
    pub point: Option<Point>,
}

/// One service of an order or of a search result.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// The stable code, `wash.body`.
    #[serde(default)]
    pub code: String,
    /// What it costs.
    #[serde(default)]
    pub price: Money,
    /// How long it takes.
    #[serde(default)]
    pub minutes: u64,
}

/// The car on an order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Car {
    /// Its id.
    pub id: String,
    /// Its class.
    pub class: String,
}

/// The type of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A quick order, for now.
    #[default]
    Quick,
    /// A booking of a slot in the partner's calendar.
    Booking,
}

/// A free slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Slot {
    /// Its start.
    pub starts_at: DateTime<Utc>,
    /// When the services would end.
    pub ends_at: DateTime<Utc>,
}

/// The free slots of a day.
#[derive(Debug, Clone, Deserialize)]
pub struct Slots {
    /// The branch's time zone.
    #[serde(default)]
    pub zone: String,
    /// In chronological order.
    pub slots: Vec<Slot>,
}

/// The bay allocated to an order, and for how long; partner and support only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeldBay {
    /// The bay.
    pub bay_id: String,
    /// The start.
    pub from: DateTime<Utc>,
    /// The end, exclusive.
    pub until: DateTime<Utc>,
}

/// A proposal by one side of an order to the other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Proposal {
    /// Its id, named in the answer.
    pub id: String,
    /// What is proposed: `add_on` or `reschedule`.
    pub kind: String,
    /// Who proposes: `client` or `staff`.
    pub by: String,
    /// The deadline for the answer.
    pub expires_at: DateTime<Utc>,
}

impl Proposal {
    /// Whether the client proposed it.
    pub fn is_clients(&self) -> bool {
        self.by == "client"
    }

    /// The path of the answer, below the order's.
    pub fn path(&self) -> String {
        let what = if self.kind == "add_on" { "add-ons" } else { "reschedule" };
        format!("{what}/{}", self.id)
    }
}

/// An order, as its reader sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The number shown to people.
    #[serde(default)]
    pub code: String,
    /// Quick, or a booking.
    #[serde(default)]
    pub kind: Kind,
    /// Its public status.
    pub status: Status,
    /// Why it was cancelled.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its version, for `If-Match`.
    pub version: i64,
    /// The partner visited.
    pub partner: Partner,
    /// The car.
    #[serde(default)]
    pub car: Car,
    /// The services.
    #[serde(default)]
    pub services: Vec<Service>,
    /// The agreed total.
    pub total: Money,
    /// The fee that was due when it ended.
    #[serde(default)]
    pub penalty: Option<Money>,
    /// The part paid with bonus.
    #[serde(default)]
    pub bonus: Money,
    /// The travel time when it was placed.
    #[serde(default)]
    pub route_secs: u64,
    /// Whether the arrival deadline has passed.
    #[serde(default)]
    pub overdue: bool,
    /// How often the partner extended the arrival time.
    #[serde(default)]
    pub extensions: u64,
    /// A booking's start.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    /// The earliest departure of a booking's client.
    #[serde(default)]
    pub depart_from: Option<DateTime<Utc>>,
    /// The allocated bay; partner and support only.
    #[serde(default)]
    pub place: Option<HeldBay>,
    /// The pending proposal.
    #[serde(default)]
    pub proposal: Option<Proposal>,
    /// When the client arrived.
    #[serde(default)]
    pub arrived_at: Option<DateTime<Utc>>,
    /// When the client departed.
    #[serde(default)]
    pub departed_at: Option<DateTime<Utc>>,
    /// Until when support may decide on it; it is frozen until then.
    #[serde(default)]
    pub frozen_until: Option<DateTime<Utc>>,
    /// What this reader may do now, by name.
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
}

/// Whether an action is possible, by the order as it was when it was shown.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Action {
    /// Whether it is.
    pub allowed: bool,
}

impl Order {
    /// Whether this reader may take the action now.
    pub fn may(&self, act: &str) -> bool {
        self.actions.get(act).is_some_and(|action| action.allowed)
    }

    /// Whether it is a booking.
    pub fn is_booking(&self) -> bool {
        self.kind == Kind::Booking
    }

    /// The proposal that waits for the client's answer.
    pub fn asks_client(&self) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|proposal| !proposal.is_clients())
    }

    /// The proposal that waits for the branch's answer.
    pub fn asks_branch(&self) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|proposal| proposal.is_clients())
    }

    /// The total duration of the services, minutes.
    pub fn minutes(&self) -> u64 {
        self.services.iter().map(|service| service.minutes).sum()
    }
}

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// A branch in a search result.
#[derive(Debug, Clone, Deserialize)]
pub struct PartnerFound {
    /// Its id.
    pub id: String,
    /// Whether it is open now.
    #[serde(default)]
    pub open: bool,
    /// What it offers for this car.
    #[serde(default)]
    pub services: Vec<Service>,
}
