//! The feed subscribers of a measurement: they time every event and check that none is missing.

use crate::records::LatencyHistogram;
use chrono::{DateTime, Utc};
use client::feed::snapshot;
use client::{Audience, Follower, FollowerEvent, ReceivedEvent, Snapshot, Start, StopSignal};
use simulator::Person;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Events queued for timing.
const EVENTS_MAX: usize = 16_384;
/// Events of which only one side's copy has been received.
const HALVES_MAX: usize = 200_000;
/// How long to wait for the last events.
const SETTLE_WAIT_MAX: Duration = Duration::from_secs(15);
/// Delay between two checks whether they have arrived.
const SETTLE_WAIT: Duration = Duration::from_millis(100);

/// The side whose socket received an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Branch,
}

/// Latency of events, from the instant of their command to this machine's socket.
#[derive(Debug, Default, Clone)]
pub struct FeedLatency {
    /// On clients' sockets.
    pub client: LatencyHistogram,
    /// On branches' sockets.
    pub branch: LatencyHistogram,
    /// Until both sides had received it.
    pub both: LatencyHistogram,
    from: Option<DateTime<Utc>>,
    halves: HashMap<(String, i64, String), (Side, Duration)>,
}

impl Side {
    fn spread(self, told: &mut FeedLatency) -> &mut LatencyHistogram {
        match self {
            Self::Client => &mut told.client,
            Self::Branch => &mut told.branch,
        }
    }
}

/// One feed being followed.
struct Followed {
    person: Arc<Person>,
    audience: String,
    reached: Arc<AtomicI64>,
}

/// All feeds being followed.
pub struct Feeds {
    followed: Vec<Followed>,
    told: Arc<Mutex<FeedLatency>>,
    client_sink: mpsc::Sender<FollowerEvent>,
    branch_sink: mpsc::Sender<FollowerEvent>,
}

impl Feeds {
    /// Creates a set without feeds.
    pub fn new() -> Self {
        let told = Arc::<Mutex<FeedLatency>>::default();
        let (client_sink, client_events) = mpsc::channel(EVENTS_MAX);
        let (branch_sink, branch_events) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(listen(Side::Client, client_events, told.clone()));
        tokio::spawn(listen(Side::Branch, branch_events, told.clone()));
        Self { followed: Vec::new(), told, client_sink, branch_sink }
    }

    /// Follows one more feed, from a start.
    pub fn follow(&mut self, person: &Arc<Person>, audience: &Audience, start: Start) {
        let sink = match audience {
            Audience::Client => &self.client_sink,
            Audience::Branch(_) | Audience::Support(_) => &self.branch_sink,
        };
        let follower = Follower::new(person.session(), audience, start, sink.clone());
        let reached = follower.reached();
        self.followed.push(Followed { person: person.clone(), audience: audience.name(), reached });
        tokio::spawn(follower.follow());
    }

    /// The number of feeds followed.
    pub fn count(&self) -> usize {
        self.followed.len()
    }

    /// Measures events from this instant on.
    pub fn measure_from(&self, from: DateTime<Utc>) {
        *held(&self.told) = FeedLatency { from: Some(from), ..FeedLatency::default() };
    }

    /// The latencies measured so far.
    pub fn told(&self) -> FeedLatency {
        held(&self.told).clone()
    }

    /// Waits until every feed has been received to its newest number; returns the feeds that were
    /// not.
    pub async fn missing(&self, stop: &StopSignal) -> Vec<String> {
        let mut missing = Vec::new();
        let until = tokio::time::Instant::now() + SETTLE_WAIT_MAX;
        for feed in &self.followed {
            let newest = match feed.person.read::<Snapshot>(&snapshot(&feed.audience)).await {
                Ok(newest) => newest.seq,
                Err(trouble) => {
                    missing.push(format!("feed {}: {trouble}", feed.audience));
                    continue;
                }
            };
            while feed.reached.load(Relaxed) < newest && tokio::time::Instant::now() < until {
                if !stop.rest(SETTLE_WAIT).await {
                    break;
                }
            }
            let reached = feed.reached.load(Relaxed);
            if reached < newest {
                let (audience, who) = (&feed.audience, &feed.person.name);
                missing.push(format!("feed {audience} of {who}: {newest} told, {reached} heard"));
            }
        }
        missing
    }
}

async fn listen(
    side: Side,
    mut events: mpsc::Receiver<FollowerEvent>,
    told: Arc<Mutex<FeedLatency>>,
) {
    while let Some(seen) = events.recv().await {
        if let FollowerEvent::Event(heard) = seen {
            held(&told).hear(side, *heard);
        }
    }
}

impl FeedLatency {
    fn hear(&mut self, side: Side, heard: ReceivedEvent) {
        let ReceivedEvent { event, received_at } = heard;
        if self.from.is_none_or(|from| event.at < from) {
            return;
        }
        let lag = (received_at - event.at).to_std().unwrap_or_default();
        side.spread(self).record(lag);
        let Some(order) = event.data.order else { return };
        let which = (order.id, order.version, event.event);
        match self.halves.remove(&which) {
            Some((other, first)) if other != side => self.both.record(first.max(lag)),
            Some(_same) => {}
            None if self.halves.len() < HALVES_MAX => {
                self.halves.insert(which, (side, lag));
            }
            None => {}
        }
    }
}

fn held(told: &Mutex<FeedLatency>) -> MutexGuard<'_, FeedLatency> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
