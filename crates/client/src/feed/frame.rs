//! The frames a node sends over a feed.

use crate::model::Event;
use serde::Deserialize;

/// A frame the server sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// The first frame: the state of the feed and of this device's cursor.
    Hello {
        /// The epoch the numbers belong to.
        epoch: String,
        /// The newest number.
        seq: i64,
    },
    /// An event.
    Event(Box<Event>),
    /// The number of an event this reader may not see.
    Blank {
        /// Its number.
        seq: i64,
    },
    /// The cursor is too old: begin again from a snapshot.
    SnapshotNeeded {
        /// The newest number.
        seq: i64,
    },
    /// A frame of this client could not be read.
    Problem {
        /// The stable code.
        code: String,
    },
}
