//! What the wire says, as far as the town's people read it.

use crate::geo::Point;
use chrono::{DateTime, Utc};
use serde::Deserialize;

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
    /// The car was taken in.
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

/// The partner as it stands on an order or in a search.
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

/// One service of an order or of a search's answer.
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

/// Quick, or a booking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// For now.
    #[default]
    Quick,
    /// For a slot of the partner's calendar.
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
    /// In the order of time.
    pub slots: Vec<Slot>,
}

/// The bay an order holds, and for how long; partner and support only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Held {
    /// The bay.
    pub bay_id: String,
    /// From then.
    pub from: DateTime<Utc>,
    /// Until then, exclusive.
    pub until: DateTime<Utc>,
}

/// What one side proposes to the other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Proposal {
    /// Its id: answers name it.
    pub id: String,
    /// What is proposed: `add_on` or `reschedule`.
    pub kind: String,
    /// Who proposes: `client` or `staff`.
    pub by: String,
    /// Until when it can be answered.
    pub expires_at: DateTime<Utc>,
}

impl Proposal {
    /// Whether the client proposed it.
    pub fn is_clients(&self) -> bool {
        self.by == "client"
    }

    /// Where it is answered, below the order.
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
    /// What people call it.
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
    /// Where the car goes.
    pub partner: Partner,
    /// Which car.
    #[serde(default)]
    pub car: Car,
    /// What is to be done.
    #[serde(default)]
    pub services: Vec<Service>,
    /// What it is agreed to cost.
    pub total: Money,
    /// The fee that fell due with its end.
    #[serde(default)]
    pub penalty: Option<Money>,
    /// How much of it is paid with bonus.
    #[serde(default)]
    pub bonus: Money,
    /// How long the way was when it was placed.
    #[serde(default)]
    pub route_secs: u64,
    /// Whether the arrival deadline has passed.
    #[serde(default)]
    pub overdue: bool,
    /// How often the partner gave more time.
    #[serde(default)]
    pub extensions: u64,
    /// A booking's start.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    /// From then a booking's client may set out.
    #[serde(default)]
    pub depart_from: Option<DateTime<Utc>>,
    /// The bay it holds; partner and support only.
    #[serde(default)]
    pub place: Option<Held>,
    /// What one side proposes to the other.
    #[serde(default)]
    pub proposal: Option<Proposal>,
    /// When the client arrived.
    #[serde(default)]
    pub arrived_at: Option<DateTime<Utc>>,
    /// When the client departed.
    #[serde(default)]
    pub departed_at: Option<DateTime<Utc>>,
    /// Until when it is frozen for support.
    #[serde(default)]
    pub frozen_until: Option<DateTime<Utc>>,
    /// What this reader may do now.
    #[serde(default)]
    pub may: Vec<String>,
}

impl Order {
    /// Whether the machine lets this reader do it now; an answer that lists nothing forbids
    /// nothing.
    pub fn may(&self, act: &str) -> bool {
        self.may.is_empty() || self.may.iter().any(|can| can == act)
    }

    /// Whether it is a booking.
    pub fn is_booking(&self) -> bool {
        self.kind == Kind::Booking
    }

    /// What waits for the client's answer.
    pub fn asks_client(&self) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|proposal| !proposal.is_clients())
    }

    /// What waits for the branch's answer.
    pub fn asks_branch(&self) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|proposal| proposal.is_clients())
    }

    /// How long the services take together, in the town's minutes.
    pub fn minutes(&self) -> u64 {
        self.services.iter().map(|service| service.minutes).sum()
    }
}

/// A page of something.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    /// The things on it.
    pub items: Vec<T>,
}

/// A branch as a search shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Whether it is open now.
    #[serde(default)]
    pub open: bool,
    /// What it offers to this car.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// What happened, carried by a frame of the feed.
#[derive(Debug, Clone, Deserialize)]
pub struct Data {
    /// The whole order as its reader may see it.
    #[serde(default)]
    pub order: Option<Box<Order>>,
    /// The penalty in question.
    #[serde(default)]
    pub penalty: Option<Penalty>,
}

/// A penalty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Penalty {
    /// Its id, where the reader may know it.
    pub id: String,
    /// `pending`, `paid`, `disputed` or `waived`.
    pub state: String,
}

/// One event of a feed.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Its number in this feed.
    pub seq: i64,
    /// Its stable id.
    pub id: String,
    /// Its name, `order.confirmed`.
    pub event: String,
    /// The instant of the command that caused it.
    pub at: DateTime<Utc>,
    /// The server's instant when it was sent.
    pub server_now: DateTime<Utc>,
    /// Whether this device caused it.
    #[serde(default)]
    pub own: bool,
    /// What happened.
    pub data: Data,
}

/// A frame the server sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// The first frame: where the feed and this device stand.
    Hello {
        /// The history the numbers belong to.
        epoch: String,
        /// The newest number.
        seq: i64,
    },
    /// Something happened.
    Event(Box<Event>),
    /// Something this reader may not see.
    Blank {
        /// Its number.
        seq: i64,
    },
    /// Too far back: begin again from a snapshot.
    SnapshotNeeded {
        /// The newest number.
        seq: i64,
    },
    /// A frame of ours could not be read.
    Problem {
        /// The stable code.
        code: String,
    },
}

/// State and number from one read transaction.
#[derive(Debug, Clone, Deserialize)]
pub struct Snapshot {
    /// The history the number belongs to.
    pub epoch: String,
    /// The number the state stands at.
    pub seq: i64,
    /// The server's instant.
    #[serde(default)]
    pub server_now: Option<DateTime<Utc>>,
    /// The open orders.
    #[serde(default)]
    pub orders: Vec<Order>,
}
