//! The fixture of every integration test: the world, its people, their requests and feeds, and the
//! books.

#[macro_use]
pub mod world;

pub mod ask;
pub mod bonus;
pub mod booking;
pub mod books;
pub mod branch;
pub mod calendar;
pub mod client;
pub mod described;
pub mod fakes;
pub mod faults;
pub mod feed;
pub mod frames;
pub mod mailbox;
pub mod pay;
pub mod payout;
pub mod people;
pub mod policy;
pub mod scene;
pub mod ticks;

pub use self::client::{Client, Order};
pub use ask::{Reply, allowed, instant, minutes, seconds};
pub use branch::Branch;
pub use feed::Feed;
pub use people::Person;
pub use world::World;
