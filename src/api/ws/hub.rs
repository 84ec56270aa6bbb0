//! The hub: one per worker. It receives wake-ups from the bus for all subscribers of the worker,
//! pings their sockets, and polls the database for lost wake-ups. It sends no events itself, so no
//! subscriber waits for another.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{rt, web};
use chrono::TimeDelta;
use entity::value::SessionId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, Semaphore};

use super::acks;
use super::stopping::Stopping;
use super::subscriber::{Cursor, Subscriber, WakeFlags};
use crate::access::Principal;
use crate::access::sessions::principal::standing_of;
use crate::api::Edge;
use crate::notifications::follow;
use platform::Audience;
use platform::bus::Wake;
use platform::clock::pause;
use platform::feed::epoch;

/// Real time between two ticks.
const TICK: Duration = Duration::from_secs(1);
/// Seconds after which access is checked even without a wake-up.
const CHECK_S: u32 = 60;
/// Seconds over which all access checks are spread when a wake-up may have been lost.
const SPREAD_S: u32 = 10;
/// The number of subscribers of a worker that read their start at once; commands need the database
/// too.
const TURNS: usize = 4;

/// The subscribers of one worker.
pub struct Hub {
    /// The state shared by all handlers.
    pub edge: web::Data<Edge>,
    /// Acquired while a subscriber reads its start.
    pub turns: Semaphore,
    stopping: Stopping,
    subscribers: RefCell<HashMap<Audience, Vec<Rc<Subscriber>>>>,
    hearing: Cell<bool>,
    look_now: Notify,
    started: std::time::Instant,
}

/// A subscription; it ends when dropped.
pub struct Subscription {
    /// The hub.
    pub hub: Rc<Hub>,
    /// The subscriber.
    pub subscriber: Rc<Subscriber>,
}

impl Hub {
    /// A hub without subscribers; it listens to the bus once the first one subscribes.
    #[must_use]
    pub fn new(edge: web::Data<Edge>, stopping: Stopping) -> Rc<Self> {
        Rc::new(Self {
            edge,
            turns: Semaphore::new(TURNS),
            stopping,
            subscribers: RefCell::default(),
            hearing: Cell::new(false),
            look_now: Notify::new(),
            started: std::time::Instant::now(),
        })
    }

    /// Adds a subscriber. Every event emitted from now on wakes it.
    #[must_use]
    pub fn subscribe(
        self: &Rc<Self>,
        audience: Audience,
        principal: Arc<Principal>,
        socket: bool,
        place: Cursor,
    ) -> Subscription {
        if !self.hearing.replace(true) {
            self.begin();
        }
        let subscriber =
            Rc::new(Subscriber::new(audience, principal, socket, place, self.seconds()));
        self.subscribers.borrow_mut().entry(audience).or_default().push(Rc::clone(&subscriber));
        if socket {
            metrics::gauge!("yumo_sockets").increment(1.0);
        }
        if self.stopping.begun() {
            subscriber.wake(WakeFlags::STOP);
        }
        Subscription { hub: Rc::clone(self), subscriber }
    }

    /// Seconds since the hub was created, in real time.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    fn begin(self: &Rc<Self>) {
        let wakes = self.edge.engine.shared().bus.listen();
        rt::spawn(hear(Rc::downgrade(self), wakes));
        rt::spawn(tick(Rc::downgrade(self)));
        rt::spawn(polling(Rc::downgrade(self)));
        let (hub, stopping) = (Rc::downgrade(self), self.stopping.clone());
        rt::spawn(async move {
            stopping.wait().await;
            if let Some(hub) = hub.upgrade() {
                hub.each(|subscriber| subscriber.wake(WakeFlags::STOP));
            }
        });
    }

    fn each(&self, mut act: impl FnMut(&Subscriber)) {
        self.subscribers.borrow().values().flatten().for_each(|subscriber| act(subscriber));
    }

    fn wake(&self, audience: &Audience, mark: WakeFlags) {
        for subscriber in self.subscribers.borrow().get(audience).into_iter().flatten() {
            subscriber.wake(mark);
        }
    }

    /// Handles one wake-up.
    fn heard(&self, topic: &str, far: bool) {
        match topic.split_once(':') {
            Some(("feed", name)) => {
                if let Ok(audience) = name.parse::<Audience>() {
                    self.wake(&audience, if far { WakeFlags::FAR } else { WakeFlags::LOOK });
                }
            }
            Some(("session", id)) => {
                let Ok(id) = id.parse() else { return };
                self.check_where(|principal| principal.session_id == id);
            }
            Some(("person", id)) => {
                let Ok(id) = id.parse() else { return };
                self.check_where(|principal| principal.person_id == id);
            }
            None if topic == "*" => self.missed(),
            None if topic == epoch::TOPIC => {
                if far {
                    self.edge.engine.shared().epoch.doubt();
                }
                self.each(|subscriber| subscriber.wake(WakeFlags::FAR));
            }
            Some(_) | None => {}
        }
    }

    fn check_where(&self, is: impl Fn(&Principal) -> bool) {
        self.each(|subscriber| {
            if is(&subscriber.principal.borrow()) {
                subscriber.wake(WakeFlags::CHECK);
            }
        });
    }

    /// Wake-ups may have been lost: all feeds are polled now, and all access is checked soon.
    fn missed(&self) {
        self.look_now.notify_one();
        let soon = (0..SPREAD_S).cycle();
        let long_ago = self.seconds().saturating_sub(CHECK_S);
        for (subscriber, after) in self.subscribers.borrow().values().flatten().zip(soon) {
            subscriber.checked.set(subscriber.checked.get().min(long_ago.saturating_add(after)));
        }
    }

    /// One tick: pings, silence, access checks that are due, and retries of what failed.
    pub fn tick(self: &Rc<Self>) {
        for subscriber in self.subscribers.borrow().values().flatten() {
            acks::settle(&self.edge, subscriber);
        }
        let now = self.seconds();
        let settings = &self.edge.settings.feed;
        let due = |since: u32, after: u64| u64::from(now.saturating_sub(since)) >= after;
        let grace = TimeDelta::seconds(settings.renew_grace_s);
        let expired = self.edge.engine.shared().clock.now() - grace;
        self.each(|subscriber| {
            let again = subscriber.again.take();
            if again.any() {
                subscriber.wake(again);
            }
            let renewed = !subscriber.socket || subscriber.principal.borrow().expires_at > expired;
            if due(subscriber.checked.get(), CHECK_S.into()) || !renewed {
                subscriber.checked.set(now);
                subscriber.wake(WakeFlags::CHECK);
            }
            if subscriber.socket && due(subscriber.heard.get(), settings.silence_s) {
                subscriber.wake(WakeFlags::SILENT);
            } else if subscriber.socket && due(subscriber.pinged.get(), settings.heartbeat_s) {
                subscriber.pinged.set(now);
                subscriber.wake(WakeFlags::PING);
            }
        });
    }

    /// Wakes the subscribers whose session ended or whose roles changed, even if that wake-up was
    /// lost: one query for many sessions (LIM-8, ACC-4).
    async fn look_at_access(&self) {
        let subscribers: Vec<Rc<Subscriber>> =
            self.subscribers.borrow().values().flatten().cloned().collect();
        for some in subscribers.chunks(follow::FEEDS_MAX) {
            let ids: Vec<SessionId> =
                some.iter().map(|subscriber| subscriber.reader().session_id).collect();
            let read = &self.edge.engine.shared().db.read;
            let standing = match standing_of(read, &ids).await {
                Ok(standing) => standing,
                Err(error) => {
                    tracing::warn!(%error, "a slow look at access failed");
                    return;
                }
            };
            for subscriber in some {
                let reader = subscriber.reader();
                let now = standing.get(&reader.session_id).copied();
                if now.is_none() || now != subscriber.standing.get() {
                    subscriber.standing.set(now);
                    self.edge.sessions.forget(&reader);
                    subscriber.wake(WakeFlags::CHECK);
                }
            }
        }
    }

    /// One slow poll: checks access, then wakes the subscribers of feeds with events they have not
    /// been sent.
    pub async fn poll_feeds(&self) {
        self.look_at_access().await;
        let standing =
            |subscriber: &Rc<Subscriber>| matches!(subscriber.place.get(), Cursor::At(_));
        let audiences: Vec<String> = self
            .subscribers
            .borrow()
            .iter()
            .filter(|(_, subscribers)| subscribers.iter().any(standing))
            .map(|(audience, _)| audience.to_string())
            .collect();
        for some in audiences.chunks(follow::FEEDS_MAX) {
            let far = match follow::far(&self.edge.engine.shared().db.read, some).await {
                Ok(far) => far,
                Err(stop) => {
                    tracing::warn!(?stop, "a slow look at the feeds failed");
                    return;
                }
            };
            for (name, newest) in far {
                self.beyond(&name, newest);
            }
        }
    }

    fn beyond(&self, name: &str, newest: i64) {
        let Ok(audience) = name.parse::<Audience>() else { return };
        for subscriber in self.subscribers.borrow().get(&audience).into_iter().flatten() {
            if matches!(subscriber.place.get(), Cursor::At(number) if number < newest) {
                subscriber.wake(WakeFlags::FAR);
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = self.hub.subscribers.borrow_mut();
        if let Some(beside) = subscribers.get_mut(&self.subscriber.audience) {
            beside.retain(|subscriber| !Rc::ptr_eq(subscriber, &self.subscriber));
            if beside.is_empty() {
                subscribers.remove(&self.subscriber.audience);
            }
        }
        if self.subscriber.socket {
            metrics::gauge!("yumo_sockets").decrement(1.0);
        }
    }
}

async fn hear(hub: Weak<Hub>, mut wakes: Receiver<Wake>) {
    loop {
        let heard = wakes.recv().await;
        let Some(hub) = hub.upgrade() else { return };
        match heard {
            Ok(wake) => wake.topics.iter().for_each(|topic| hub.heard(topic, wake.far)),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "a worker missed wake-ups");
                hub.missed();
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn tick(hub: Weak<Hub>) {
    loop {
        pause(TICK).await;
        let Some(hub) = hub.upgrade() else { return };
        hub.tick();
    }
}

async fn polling(hub: Weak<Hub>) {
    while let Some(hub) = hub.upgrade() {
        hub.poll_feeds().await;
        let every = Duration::from_secs(hub.edge.settings.feed.look_s.max(1));
        // Polls after the interval, or earlier when wake-ups were lost.
        let _ = tokio::time::timeout(every, hub.look_now.notified()).await;
    }
}
