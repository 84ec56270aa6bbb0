//! A subscriber of one feed that records every event: no gap, no change, no duplicate.

use std::collections::{BTreeMap, HashMap, HashSet};

use client::feed::{EventPage, Position, poll};
use client::{ApiError, Event, Frame};

use crate::wire::Wire;

/// The most events that are read again; beyond them a reader takes the snapshot.
const ANEW_MAX: i64 = 4_000;

/// The recorded part of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedEvent {
    /// Its stable id.
    pub id: String,
    /// Its kind.
    pub event: String,
    /// The order, and its version in the event.
    pub order: Option<(String, i64)>,
}

/// A subscriber of one feed.
pub struct Feed {
    token: String,
    audience: String,
    position: Position,
    told: BTreeMap<i64, ReceivedEvent>,
}

impl Feed {
    /// Starts at the beginning.
    pub fn new(token: &str, audience: impl Into<String>) -> Self {
        Self {
            token: token.to_owned(),
            audience: audience.into(),
            position: Position { after: Some(0), epoch: None },
            told: BTreeMap::new(),
        }
    }

    fn after(&self) -> i64 {
        self.position.after.unwrap_or(0)
    }

    /// Reads the next page, by long poll if asked to; returns the number of events.
    async fn page(&mut self, wire: &Wire, wait_s: u8) -> Result<usize, ApiError> {
        let audience = &self.audience;
        let ask = poll(audience, &self.position, wait_s);
        let answer = wire.ask(&self.token, &ask).await?.yes();
        let page: EventPage = serde_json::from_value(answer).unwrap();
        assert!(!page.snapshot_needed, "{audience} after {:?}", self.position);
        self.position.epoch = Some(page.epoch);
        let events = page.events.len();
        for frame in page.events {
            let Frame::Event(event) = frame else {
                panic!("nobody but its owner reads it: {frame:?}")
            };
            self.position.advance(event.seq).unwrap_or_else(|gap| panic!("{audience}: {gap}"));
            self.told.insert(event.seq, told(*event));
        }
        Ok(events)
    }

    /// Follows the feed until the connection breaks.
    pub async fn follow(&mut self, wire: &Wire) {
        while self.page(wire, 1).await.is_ok() {}
    }

    /// Resumes and catches up.
    pub async fn resume(&mut self, wire: &Wire) {
        while self.page(wire, 0).await.unwrap() > 0 {}
    }

    /// How often an event of this kind was emitted.
    pub fn times(&self, event: &str) -> usize {
        self.told.values().filter(|told| told.event == event).count()
    }

    async fn read_anew(&self, wire: &Wire) -> BTreeMap<i64, ReceivedEvent> {
        let from = (self.after() - ANEW_MAX).max(0);
        let mut anew = Self::new(&self.token, self.audience.clone());
        anew.position = Position { after: Some(from), epoch: self.position.epoch.clone() };
        anew.told.extend(self.told.get_key_value(&from).map(|(seq, told)| (*seq, told.clone())));
        anew.resume(wire).await;
        anew.told
    }

    /// Reads the feed again: the same events, each once. Returns the versions emitted of each
    /// order, in order.
    pub async fn prove(&mut self, wire: &Wire) -> HashMap<String, Vec<i64>> {
        self.resume(wire).await;
        let anew = self.read_anew(wire).await;
        for (seq, told) in self.told.iter().filter(|(seq, _)| **seq > self.after() - ANEW_MAX) {
            assert_eq!(Some(told), anew.get(seq), "{} {seq} has changed", self.audience);
        }
        let ids: HashSet<&str> = self.told.values().map(|told| told.id.as_str()).collect();
        assert_eq!(ids.len(), self.told.len(), "{} tells an event twice", self.audience);
        let mut versions: HashMap<String, Vec<i64>> = HashMap::new();
        // An estimate raises no version (ORD-3).
        for told in self.told.values().filter(|told| told.event != "order.eta") {
            if let Some((order, version)) = &told.order {
                versions.entry(order.clone()).or_default().push(*version);
            }
        }
        versions
    }

    /// As above, and the versions of each order are 1, 2, 3 …
    pub async fn prove_whole(&mut self, wire: &Wire) {
        for (order, versions) in self.prove(wire).await {
            let all: Vec<i64> = (1..).take(versions.len()).collect();
            assert_eq!(versions, all, "{} about {order}", self.audience);
        }
    }
}

fn told(event: Event) -> ReceivedEvent {
    let order = event.data.order.map(|order| (order.id, order.version));
    ReceivedEvent { id: event.id, event: event.event, order }
}
