//! A feed subscriber: resumes after its last number, acknowledges every event and detects gaps.

use crate::api_error::ApiError;
use crate::ask::Ask;
use crate::census::one;
use crate::pace::wall_now;
use crate::person::Person;
use crate::socket::{Came, Shut, Socket};
use crate::views::{Event, Frame, Order, Snapshot};
use chrono::{DateTime, Utc};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;

/// The first delay before reconnecting; it doubles after each failure.
const AGAIN_WAIT: Duration = Duration::from_millis(50);
/// The longest delay before reconnecting.
const AGAIN_WAIT_MAX: Duration = Duration::from_secs(5);
/// Event ids remembered to detect duplicates.
const IDS_MAX: usize = 20_000;
/// The close code of a session that has ended.
const CLOSE_ACCESS_ENDED: u16 = 4001;
/// The close code of a reader without permission.
const CLOSE_NOT_FOR_YOU: u16 = 4003;

/// The audience of a feed.
#[derive(Debug, Clone)]
pub enum Audience {
    /// The person's own feed, as a client.
    Client,
    /// A branch's feed.
    Branch(String),
    /// Support's feed.
    Support,
}

impl Audience {
    /// Its name on the wire.
    pub fn name(&self) -> String {
        match self {
            Self::Client => "client".to_owned(),
            Self::Branch(id) => format!("branch:{id}"),
            Self::Support => "support".to_owned(),
        }
    }
}

/// Where the subscription begins.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// With a snapshot of the open orders.
    Snapshot,
    /// After a number.
    After(i64),
}

/// What a subscriber passes on.
#[derive(Debug)]
pub enum FollowerEvent {
    /// The open orders, all of them.
    Snapshot(Vec<Order>),
    /// An event.
    Event(Box<Heard>),
}

/// An event and when it was received.
#[derive(Debug)]
pub struct Heard {
    /// The event.
    pub event: Event,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

/// A device's subscription to one feed.
pub struct Follower {
    person: Arc<Person>,
    audience: String,
    after: Option<i64>,
    epoch: Option<String>,
    ids: HashSet<String>,
    id_queue: VecDeque<String>,
    sink: mpsc::Sender<FollowerEvent>,
    reached: Arc<AtomicI64>,
}

/// Why a connection ended.
enum Ended {
    /// The connection was lost: reconnect.
    Lost,
    /// The token was refused: refresh it, then reconnect.
    Token,
    /// The receiver is gone, or the reader has no permission: do not reconnect.
    ForGood,
}

impl Follower {
    /// A subscriber that sends snapshots and events to `sink`.
    pub fn new(
        person: Arc<Person>,
        audience: &Audience,
        start: Start,
        sink: mpsc::Sender<FollowerEvent>,
    ) -> Self {
        let after = match start {
            Start::Snapshot => None,
            Start::After(seq) => Some(seq),
        };
        let (ids, id_queue) = (HashSet::new(), VecDeque::new());
        Self {
            person,
            audience: audience.name(),
            after,
            epoch: None,
            ids,
            id_queue,
            sink,
            reached: Arc::default(),
        }
    }

    /// The last number received, for checks that nothing is missing.
    pub fn reached(&self) -> Arc<AtomicI64> {
        self.reached.clone()
    }

    /// Follows until the simulator stops or the receiver is gone; reconnects without limit.
    pub async fn follow(mut self) {
        let stop = self.person.shared.stop.clone();
        let sink = self.sink.clone();
        let mut wait = AGAIN_WAIT;
        let mut connected_before = false;
        while !stop.is_set() {
            let before = self.after;
            let ended = tokio::select! {
                ended = self.connection(&mut connected_before) => ended,
                () = stop.wait() => return,
                () = sink.closed() => return,
            };
            match ended {
                Ok(Ended::ForGood) | Err(ApiError::Stopped) => return,
                Ok(Ended::Token | Ended::Lost) => {}
                Err(trouble) => {
                    tracing::debug!(%trouble, audience = self.audience, "the feed is away");
                }
            }
            wait = if self.after == before {
                wait.saturating_mul(2).min(AGAIN_WAIT_MAX)
            } else {
                AGAIN_WAIT
            };
            if !stop.rest(wait).await {
                return;
            }
        }
    }

    async fn connection(&mut self, connected_before: &mut bool) -> Result<Ended, ApiError> {
        let person = self.person.clone();
        let token = person.token().await?;
        let url = person.wire.feed_url(&self.audience);
        let mut socket = match Socket::open(&url, &token).await {
            Ok(socket) => socket,
            Err(Shut::Status(401)) => {
                person.token_after(&token).await?;
                return Ok(Ended::Token);
            }
            Err(Shut::Status(403)) => return Ok(self.turned_away()),
            Err(Shut::Status(status)) => {
                return Err(ApiError::Unreachable(format!("handshake: {status}")));
            }
            Err(Shut::Line(line)) => return Err(ApiError::Unreachable(line)),
        };
        let count = &person.shared.census.count;
        one(&count.connections);
        if std::mem::replace(connected_before, true) {
            one(&count.reconnections);
        }
        loop {
            match socket.next().await {
                Came::Frame(frame) => {
                    if !self.frame(frame, &mut socket).await? {
                        socket.close().await;
                        return Ok(Ended::ForGood);
                    }
                }
                Came::Unreadable(what) => {
                    one(&count.odd_answers);
                    tracing::warn!(what, audience = self.audience, "unreadable frame");
                    return Ok(Ended::Lost);
                }
                Came::End(Some(CLOSE_ACCESS_ENDED)) => {
                    person.token_after(&token).await?;
                    return Ok(Ended::Token);
                }
                Came::End(Some(CLOSE_NOT_FOR_YOU)) => return Ok(self.turned_away()),
                Came::End(_) => return Ok(Ended::Lost),
            }
        }
    }

    /// Handles one frame; returns whether to continue.
    async fn frame(&mut self, frame: Frame, socket: &mut Socket) -> Result<bool, ApiError> {
        let count = &self.person.shared.census.count;
        match frame {
            Frame::Hello { epoch, .. } => {
                let after = match self.after {
                    Some(after) => after,
                    None => self.snapshot().await?,
                };
                // The epoch the numbers were read under, not the one of the current greeting.
                let epoch = self.epoch.get_or_insert(epoch);
                socket.resume(after, epoch).await?;
            }
            Frame::Event(event) => {
                one(&count.events);
                self.numbered(event.seq);
                let seq = event.seq;
                if !self.hand_on(event).await {
                    return Ok(false);
                }
                socket.ack(seq).await?;
            }
            Frame::Blank { seq } => {
                one(&count.blanks);
                self.numbered(seq);
                socket.ack(seq).await?;
            }
            Frame::SnapshotNeeded { .. } => {
                let after = self.snapshot().await?;
                socket.resume(after, self.epoch.as_deref().unwrap_or_default()).await?;
            }
            Frame::Problem { code } => {
                one(&count.odd_answers);
                tracing::warn!(
                    code,
                    audience = self.audience,
                    "the feed could not read a frame of ours"
                );
            }
        }
        Ok(true)
    }

    /// Checks that the number follows the previous one.
    fn numbered(&mut self, seq: i64) {
        let wanted = self.after.unwrap_or(0).saturating_add(1);
        if seq != wanted {
            let what = format!(
                "feed {} of {}: number {seq} came after {}",
                self.audience,
                self.person.name,
                wanted - 1
            );
            self.person.shared.census.violation(what);
        }
        self.after = Some(seq);
        self.reached.store(seq, Relaxed);
    }

    async fn hand_on(&mut self, event: Box<Event>) -> bool {
        let shared = self.person.shared.clone();
        if self.ids.contains(&event.id) {
            shared
                .census
                .violation(format!("feed {}: event {} was told twice", self.audience, event.id));
        }
        self.ids.insert(event.id.clone());
        self.id_queue.push_back(event.id.clone());
        if self.id_queue.len() > IDS_MAX
            && let Some(oldest) = self.id_queue.pop_front()
        {
            self.ids.remove(&oldest);
        }
        let received_at = wall_now();
        shared.clock_sync.read(event.server_now);
        let lag = if shared.pace.is_real() {
            received_at - event.at
        } else {
            event.server_now - event.at
        };
        let lag = lag.to_std().unwrap_or_default();
        shared.census.telling.record(if shared.pace.is_real() {
            lag
        } else {
            shared.pace.real_of(lag)
        });
        self.sink
            .send(FollowerEvent::Event(Box::new(Heard { event: *event, received_at })))
            .await
            .is_ok()
    }

    async fn snapshot(&mut self) -> Result<i64, ApiError> {
        one(&self.person.shared.census.count.snapshots);
        let ask = Ask::get(format!("/v1/feed/snapshot?audience={}", self.audience));
        let snapshot: Snapshot = self.person.read(&ask).await?;
        if let Some(now) = snapshot.server_now {
            self.person.shared.clock_sync.read(now);
        }
        self.after = Some(snapshot.seq);
        self.epoch = Some(snapshot.epoch);
        self.reached.store(snapshot.seq, Relaxed);
        let gone = |_| ApiError::Stopped;
        self.sink.send(FollowerEvent::Snapshot(snapshot.orders)).await.map_err(gone)?;
        Ok(snapshot.seq)
    }

    fn turned_away(&self) -> Ended {
        let what = format!("feed {} turned {} away", self.audience, self.person.name);
        self.person.shared.census.violation(what);
        Ended::ForGood
    }
}
