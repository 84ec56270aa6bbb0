//! The wire types, limited to the fields that the clients in this workspace read.

mod event;
mod order;
mod point;

pub use event::{Data, Event, Penalty, Snapshot};
pub use order::{
    Action, Car, HeldBay, Kind, Money, Order, Page, Partner, PartnerFound, Proposal, Service, Slot,
    Slots, Status,
};
pub use point::Point;
