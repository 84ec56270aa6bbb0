//! The nouns: values and one file a table. No behaviour lives here, only what is true of a value by
//! itself.

pub mod value;

pub mod bay;
pub mod bay_block;
pub mod calendar_feed;
pub mod car;
pub mod delivery;
pub mod feed;
pub mod feed_cursor;
pub mod feed_event;
pub mod heartbeat;
pub mod hold;
pub mod idempotency;
pub mod mark;
pub mod opening;
pub mod order;
pub mod order_parts;
pub mod order_position;
pub mod order_step;
pub mod organisation;
pub mod otp;
pub mod outage;
pub mod partner;
pub mod penalty;
pub mod person;
pub mod policy_version;
pub mod posting;
pub mod sanction;
pub mod service;
pub mod service_price;
pub mod session;
pub mod special_day;
pub mod staff;
pub mod support_agent;
pub mod tick;
pub mod timer;
pub mod waiver;
pub mod wallet;
