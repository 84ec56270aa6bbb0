//! A subscriber: the state of one socket or long poll in a worker's hub. Kept small, since every
//! idle socket has one.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use entity::value::OrderId;

use crate::access::Principal;
use platform::Audience;

/// Wake-up flags of a subscriber; several are merged into one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WakeFlags(u8);

impl WakeFlags {
    /// There may be new events.
    pub const LOOK: Self = Self(1);
    /// Access may have changed.
    pub const CHECK: Self = Self(2);
    /// A ping is due.
    pub const PING: Self = Self(4);
    /// Nothing has been received from the device for too long.
    pub const SILENT: Self = Self(8);
    /// The server is stopping.
    pub const STOP: Self = Self(16);
    /// The device acknowledged an event that was never sent.
    pub const UNTOLD: Self = Self(32);
    /// There may be new events emitted by another node.
    pub const FAR: Self = Self(64);

    /// Whether the set contains this flag.
    #[must_use]
    pub fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    /// Whether the set contains any flag.
    #[must_use]
    pub fn any(self) -> bool {
        self.0 != 0
    }
}

/// The position of a subscriber in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// It has not resumed yet, or needs a snapshot first.
    Outside,
    /// It asked to resume after this number.
    Asked(i64),
    /// Everything up to this number was sent.
    At(i64),
}

/// One subscriber.
pub struct Subscriber {
    /// The audience of the feed.
    pub audience: Audience,
    /// Whether it is a socket, which is pinged and closed when silent.
    pub socket: bool,
    /// The person, as of the last access check.
    pub principal: RefCell<Arc<Principal>>,
    /// The position in the feed.
    pub place: Cell<Cursor>,
    /// The epoch the device named when it asked to resume.
    pub named: RefCell<Option<String>>,
    /// The id of the epoch it follows; empty before it follows one.
    pub epoch: RefCell<Arc<str>>,
    /// Events after this number are sent as they happen; earlier ones are catch-up.
    pub live: Cell<i64>,
    /// What failed and is retried at the next tick.
    pub again: Cell<WakeFlags>,
    /// The device's acknowledged number as stored.
    pub acked: Cell<i64>,
    /// The device's acknowledged number as received.
    pub to_ack: Cell<i64>,
    /// Whether an acknowledgement is being stored.
    pub acking: Cell<bool>,
    /// Everything after this number was sent on this connection.
    pub known_from: Cell<i64>,
    /// Events among those whose acknowledgement has consequences, not yet acknowledged.
    pub matters: RefCell<Vec<(i64, OrderId)>>,
    /// When the device was last heard, in seconds of the hub.
    pub heard: Cell<u32>,
    /// When it was last pinged.
    pub pinged: Cell<u32>,
    /// When its access was last checked.
    pub checked: Cell<u32>,
    /// A hash of the session's roles, as of the last poll; `None` before it.
    pub standing: Cell<Option<u64>>,
    marks: Cell<WakeFlags>,
    waker: RefCell<Option<Waker>>,
}

impl Subscriber {
    /// A subscriber at this position.
    #[must_use]
    pub fn new(
        audience: Audience,
        principal: Arc<Principal>,
        socket: bool,
        place: Cursor,
        now: u32,
    ) -> Self {
        Self {
            audience,
            socket,
            principal: RefCell::new(principal),
            place: Cell::new(place),
            named: RefCell::default(),
            epoch: RefCell::default(),
            live: Cell::new(i64::MAX),
            again: Cell::default(),
            acked: Cell::new(0),
            to_ack: Cell::new(0),
            acking: Cell::new(false),
            known_from: Cell::new(i64::MAX),
            matters: RefCell::default(),
            heard: Cell::new(now),
            pinged: Cell::new(now),
            checked: Cell::new(now),
            standing: Cell::new(None),
            marks: Cell::default(),
            waker: RefCell::new(None),
        }
    }

    /// Wakes the subscriber with a flag.
    pub fn wake(&self, mark: WakeFlags) {
        self.marks.set(WakeFlags(self.marks.get().0 | mark.0));
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Sets a flag for the next tick.
    pub fn wake_again(&self, mark: WakeFlags) {
        self.again.set(WakeFlags(self.again.get().0 | mark.0));
    }

    /// The flags set since the last poll; pending while there are none.
    pub fn poll_flags(&self, context: &mut Context<'_>) -> Poll<WakeFlags> {
        let marks = self.marks.take();
        if marks.any() {
            return Poll::Ready(marks);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Waits for a flag.
    pub async fn woken(&self) -> WakeFlags {
        poll_fn(|context| self.poll_flags(context)).await
    }

    /// The person, as of the last access check.
    #[must_use]
    pub fn reader(&self) -> Arc<Principal> {
        Arc::clone(&self.principal.borrow())
    }
}
