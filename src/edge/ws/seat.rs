//! A seat: one reader's place in the hub of a worker. It is small, for every idle socket has one.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use entity::value::OrderId;

use crate::access::Principal;
use crate::platform::Audience;

/// What a reader is woken for; several at once are one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// There may be something new.
    pub const LOOK: Self = Self(1);
    /// Access may have changed.
    pub const CHECK: Self = Self(2);
    /// It is time for a ping.
    pub const PING: Self = Self(4);
    /// Nothing was heard from the device for too long.
    pub const SILENT: Self = Self(8);
    /// The server stops.
    pub const STOP: Self = Self(16);
    /// The device acknowledged what was never told.
    pub const UNTOLD: Self = Self(32);
    /// There may be something new that another node told.
    pub const FAR: Self = Self(64);

    /// Is this among them?
    #[must_use]
    pub fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    /// Is there any?
    #[must_use]
    pub fn any(self) -> bool {
        self.0 != 0
    }
}

/// Where a reader stands in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has not said where to begin, or must take the snapshot first.
    Outside,
    /// It wants to go on after this number.
    Asked(i64),
    /// It was given everything up to this number.
    At(i64),
}

/// One reader's place.
pub struct Seat {
    /// Whose feed.
    pub audience: Audience,
    /// Is it a socket, to be pinged and to be closed when silent?
    pub socket: bool,
    /// Who reads, as of the last check.
    pub principal: RefCell<Arc<Principal>>,
    /// Where the reader stands.
    pub place: Cell<Place>,
    /// The epoch the device named when it said where to go on.
    pub named: RefCell<Option<String>>,
    /// The name of the epoch it follows; empty before it follows one.
    pub epoch: RefCell<Arc<str>>,
    /// Events after this number are handed over as they happen, not caught up with.
    pub live: Cell<i64>,
    /// Something failed: look again at the next tick.
    pub again: Cell<Marks>,
    /// How far the device has acknowledged, as it was kept.
    pub acked: Cell<i64>,
    /// How far the device has acknowledged, as it said.
    pub to_ack: Cell<i64>,
    /// Is an acknowledgement on its way?
    pub acking: Cell<bool>,
    /// Everything after this number was handed over on this very connection.
    pub known_from: Cell<i64>,
    /// Of that: what has consequences when it is acknowledged, not yet acknowledged.
    pub matters: RefCell<Vec<(i64, OrderId)>>,
    /// Seconds, by the hub's own count: when the device was last heard.
    pub heard: Cell<u32>,
    /// When it was last pinged.
    pub pinged: Cell<u32>,
    /// When its access was last checked.
    pub checked: Cell<u32>,
    /// What its access stood on when that was last looked up.
    pub standing: Cell<Option<u64>>,
    marks: Cell<Marks>,
    waker: RefCell<Option<Waker>>,
}

impl Seat {
    /// A place for a reader who stands there.
    #[must_use]
    pub fn new(
        audience: Audience,
        principal: Arc<Principal>,
        socket: bool,
        place: Place,
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

    /// Wakes the reader for something.
    pub fn mark(&self, mark: Marks) {
        self.marks.set(Marks(self.marks.get().0 | mark.0));
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Notes that something is to be tried again at the next tick.
    pub fn mark_again(&self, mark: Marks) {
        self.again.set(Marks(self.again.get().0 | mark.0));
    }

    /// What the reader was woken for since it last asked; asks again when there is something.
    pub fn poll_marks(&self, context: &mut Context<'_>) -> Poll<Marks> {
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

    /// Waits until the reader is woken for something.
    pub async fn marked(&self) -> Marks {
        poll_fn(|context| self.poll_marks(context)).await
    }

    /// Who reads, as of the last check.
    #[must_use]
    pub fn reader(&self) -> Arc<Principal> {
        Arc::clone(&self.principal.borrow())
    }
}
