//! The bus: wake-ups that carry no data. A listener that receives one reads again; a lost wake-up
//! delays an event and never loses one.

pub mod local;
pub mod redis;

use std::sync::Arc;

use tokio::sync::broadcast;

/// Wake-ups that may be queued for one listener; a slower one is notified that it missed some.
pub const WAITING_MAX: usize = 65_536;

/// A wake-up: topics that may have something new.
#[derive(Clone, Debug)]
pub struct Wake {
    /// The topics.
    pub topics: Arc<Vec<String>>,
    /// Sent by another node, so this node's memory does not hold what is new.
    pub far: bool,
}

/// A way to wake listeners on this node and on others.
pub trait Bus: Send + Sync + 'static {
    /// Announces that there may be something new; never blocks, never fails.
    fn wake(&self, topics: Vec<String>);

    /// Subscribes to the wake-ups from now on.
    fn listen(&self) -> broadcast::Receiver<Wake>;

    /// Is the connection to the other nodes up?
    fn healthy(&self) -> bool;
}
