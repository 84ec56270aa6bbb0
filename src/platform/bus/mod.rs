//! The bus: wake-ups that carry no data. Whoever hears one looks again; a lost one costs a little
//! time, never an event.

pub mod local;
pub mod redis;

use std::sync::Arc;

use tokio::sync::broadcast;

/// So many wake-ups may wait for one listener; a slower one is told that it missed some.
pub const WAITING_MAX: usize = 65_536;

/// Topics that may have something new.
#[derive(Clone, Debug)]
pub struct Wake {
    /// Which.
    pub topics: Arc<Vec<String>>,
    /// Said by another node: what this one remembers does not tell.
    pub far: bool,
}

/// A way to wake followers, here and on other nodes.
pub trait Bus: Send + Sync + 'static {
    /// Says that there may be something new; never waits, never fails.
    fn wake(&self, topics: Vec<String>);

    /// Listens from now on.
    fn listen(&self) -> broadcast::Receiver<Wake>;

    /// Can it reach the other nodes now?
    fn healthy(&self) -> bool;
}
