//! A feed's follower: resumes after its last number and epoch, acknowledges every event, detects
//! gaps and duplicates, and polls where no socket can be opened.

use super::frame::Frame;
use super::poll::{self, EventPage};
use super::position::Position;
use super::socket::{Credentials, Incoming, NotOpened, Socket};
use crate::http::ApiError;
use crate::model::{Event, Order, Snapshot};
use crate::observer::Observation;
use crate::session::{Session, wall_now};
use chrono::{DateTime, Utc};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The first delay before reconnecting; it doubles after each failure.
const AGAIN_WAIT: Duration = Duration::from_millis(50);
/// The longest delay before reconnecting.
const AGAIN_WAIT_MAX: Duration = Duration::from_secs(5);
/// Event ids remembered to detect duplicates.
const IDS_MAX: usize = 20_000;
/// Refused handshakes in a row after which the feed is polled instead.
const SOCKETS_REFUSED_MAX: u32 = 3;
/// How long it is polled before the next handshake.
const POLLING: Duration = Duration::from_secs(30);
/// How long the node waits for an event in one poll, seconds.
const POLL_WAIT_S: u8 = 10;
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
    /// One of support's queues.
    Support(&'static str),
}

impl Audience {
    /// Its name on the wire.
    pub fn name(&self) -> String {
        match self {
            Self::Client => "client".to_owned(),
            Self::Branch(id) => format!("branch:{id}"),
            Self::Support(queue) => format!("support:{queue}"),
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

/// What a follower passes on.
#[derive(Debug)]
pub enum FollowerEvent {
    /// The open orders, all of them.
    Snapshot(Vec<Order>),
    /// An event.
    Event(Box<ReceivedEvent>),
}

/// An event and when it was received.
#[derive(Debug)]
pub struct ReceivedEvent {
    /// The event.
    pub event: Event,
    /// When this process received it.
    pub received_at: DateTime<Utc>,
}

/// A device's subscription to one feed.
pub struct Follower {
    session: Arc<Session>,
    audience: String,
    position: Position,
    with_tickets: bool,
    connected_before: bool,
    sockets_refused: u32,
    ids: HashSet<String>,
    id_queue: VecDeque<String>,
    sink: mpsc::Sender<FollowerEvent>,
    reached: Arc<AtomicI64>,
}

/// Why a connection ended.
enum Ended {
    /// The connection was lost, or its token refused and renewed: reconnect.
    Lost,
    /// The receiver is gone, or the reader has no permission: do not reconnect.
    ForGood,
}

impl Follower {
    /// A follower that sends snapshots and events to `sink`.
    pub fn new(
        session: Arc<Session>,
        audience: &Audience,
        start: Start,
        sink: mpsc::Sender<FollowerEvent>,
    ) -> Self {
        let after = match start {
            Start::Snapshot => None,
            Start::After(seq) => Some(seq),
        };
        Self {
            session,
            audience: audience.name(),
            position: Position { after, epoch: None },
            with_tickets: false,
            connected_before: false,
            sockets_refused: 0,
            ids: HashSet::new(),
            id_queue: VecDeque::new(),
            sink,
            reached: Arc::default(),
        }
    }

    /// Opens its sockets with one-time tickets, as a browser does.
    #[must_use]
    pub fn with_tickets(mut self) -> Self {
        self.with_tickets = true;
        self
    }

    /// The last number received, for checks that nothing is missing.
    pub fn reached(&self) -> Arc<AtomicI64> {
        self.reached.clone()
    }

    /// Follows until the stop signal or until the receiver is gone; reconnects without limit.
    pub async fn follow(mut self) {
        let stop = self.session.context().stop.clone();
        let sink = self.sink.clone();
        let mut wait = AGAIN_WAIT;
        while !stop.is_set() {
            let before = self.position.after;
            let ended = tokio::select! {
                ended = self.receive() => ended,
                () = stop.wait() => return,
                () = sink.closed() => return,
            };
            match ended {
                Ok(Ended::ForGood) | Err(ApiError::Stopped) => return,
                Ok(Ended::Lost) => {}
                Err(error) => {
                    tracing::debug!(%error, audience = self.audience, "the feed is unreachable");
                }
            }
            wait = if self.position.after == before {
                wait.saturating_mul(2).min(AGAIN_WAIT_MAX)
            } else {
                AGAIN_WAIT
            };
            if !stop.rest(wait).await {
                return;
            }
        }
    }

    async fn receive(&mut self) -> Result<Ended, ApiError> {
        if self.sockets_refused < SOCKETS_REFUSED_MAX {
            return self.connection().await;
        }
        self.sockets_refused = 0;
        self.long_poll().await
    }

    async fn open(&self, token: &str) -> Result<Result<Socket, NotOpened>, ApiError> {
        let node = self.session.node();
        if !self.with_tickets {
            return Ok(Socket::open(node, &self.audience, Credentials::Token(token)).await);
        }
        let ticket = self.session.ticket(&self.audience).await?;
        Ok(Socket::open(node, &self.audience, Credentials::Ticket(&ticket)).await)
    }

    async fn connection(&mut self) -> Result<Ended, ApiError> {
        let session = self.session.clone();
        let token = session.token().await?;
        let mut socket = match self.open(&token).await? {
            Ok(socket) => socket,
            Err(NotOpened::Status(401)) => {
                session.token_after(&token).await?;
                return Ok(Ended::Lost);
            }
            Err(NotOpened::Status(403)) => return Ok(self.turned_away()),
            Err(NotOpened::Status(status)) => {
                // While a node starts or stops, it has no long poll either.
                self.sockets_refused += u32::from(status != 503);
                return Err(ApiError::Unreachable(format!("handshake: {status}")));
            }
            Err(NotOpened::Line(line)) => return Err(ApiError::Unreachable(line)),
        };
        self.sockets_refused = 0;
        let again = std::mem::replace(&mut self.connected_before, true);
        session.observe(Observation::Connection { again });
        loop {
            match socket.next().await {
                Incoming::Frame(frame) => {
                    if !self.frame(frame, &mut socket).await? {
                        socket.close().await;
                        return Ok(Ended::ForGood);
                    }
                }
                Incoming::Unreadable(what) => {
                    session.observe(Observation::OddFrame(&what));
                    tracing::warn!(what, audience = self.audience, "unreadable frame");
                    return Ok(Ended::Lost);
                }
                Incoming::End(Some(CLOSE_ACCESS_ENDED)) => {
                    session.token_after(&token).await?;
                    return Ok(Ended::Lost);
                }
                Incoming::End(Some(CLOSE_NOT_FOR_YOU)) => return Ok(self.turned_away()),
                Incoming::End(_) => return Ok(Ended::Lost),
            }
        }
    }

    /// Handles one frame; returns whether to continue.
    async fn frame(&mut self, frame: Frame, socket: &mut Socket) -> Result<bool, ApiError> {
        match frame {
            Frame::Hello { epoch, .. } => {
                let after = match self.position.after {
                    Some(after) => after,
                    None => self.snapshot().await?,
                };
                // The epoch the numbers were read under, not the one of the current greeting.
                let epoch = self.position.epoch.get_or_insert(epoch);
                socket.resume(after, epoch).await?;
            }
            Frame::Event(event) => {
                let seq = event.seq;
                if !self.event(event).await {
                    return Ok(false);
                }
                socket.ack(seq).await?;
            }
            Frame::Blank { seq } => {
                self.blank(seq);
                socket.ack(seq).await?;
            }
            Frame::SnapshotNeeded { .. } => {
                let after = self.snapshot().await?;
                socket.resume(after, self.position.epoch.as_deref().unwrap_or_default()).await?;
            }
            Frame::Problem { code } => self.problem(&code),
        }
        Ok(true)
    }

    /// Receives the feed by long poll for a while.
    async fn long_poll(&mut self) -> Result<Ended, ApiError> {
        let session = self.session.clone();
        let until = Instant::now() + POLLING;
        if self.position.after.is_none() {
            self.snapshot().await?;
        }
        while Instant::now() < until {
            let request = poll::poll(&self.audience, &self.position, POLL_WAIT_S);
            let page: EventPage = session.read(&request).await?;
            if page.snapshot_needed {
                self.snapshot().await?;
                continue;
            }
            let before = self.position.after;
            for frame in page.events {
                match frame {
                    Frame::Event(event) => {
                        if !self.event(event).await {
                            return Ok(Ended::ForGood);
                        }
                    }
                    Frame::Blank { seq } => self.blank(seq),
                    Frame::Problem { code } => self.problem(&code),
                    Frame::Hello { .. } | Frame::SnapshotNeeded { .. } => {}
                }
            }
            let epoch = self.position.epoch.get_or_insert(page.epoch);
            if let Some(seq) = self.position.after.filter(|seq| Some(*seq) != before) {
                session.done(&poll::ack(&self.audience, seq, epoch)).await?;
            }
        }
        Ok(Ended::Lost)
    }

    fn blank(&mut self, seq: i64) {
        self.session.observe(Observation::Blank);
        self.advance(seq);
    }

    fn problem(&self, code: &str) {
        self.session.observe(Observation::OddFrame(code));
        tracing::warn!(code, audience = self.audience, "the node could not read a frame of ours");
    }

    /// Checks that the number follows the previous one.
    fn advance(&mut self, seq: i64) {
        if let Err(gap) = self.position.advance(seq) {
            let what = format!("feed {} of {}: {gap}", self.audience, self.session.name);
            self.session.observe(Observation::Violation(what));
        }
        self.reached.store(seq, Relaxed);
    }

    /// Passes an event on; false once the receiver is gone.
    async fn event(&mut self, event: Box<Event>) -> bool {
        self.advance(event.seq);
        if !self.ids.insert(event.id.clone()) {
            let what = format!("feed {}: event {} was sent twice", self.audience, event.id);
            self.session.observe(Observation::Violation(what));
        }
        self.id_queue.push_back(event.id.clone());
        if self.id_queue.len() > IDS_MAX
            && let Some(oldest) = self.id_queue.pop_front()
        {
            self.ids.remove(&oldest);
        }
        let received_at = wall_now();
        self.session.observe(Observation::ServerNow(event.server_now));
        self.session.observe(Observation::Event { event: &event, received_at });
        let received = ReceivedEvent { event: *event, received_at };
        self.sink.send(FollowerEvent::Event(Box::new(received))).await.is_ok()
    }

    async fn snapshot(&mut self) -> Result<i64, ApiError> {
        self.session.observe(Observation::SnapshotTaken);
        let snapshot: Snapshot = self.session.read(&poll::snapshot(&self.audience)).await?;
        if let Some(now) = snapshot.server_now {
            self.session.observe(Observation::ServerNow(now));
        }
        self.position = Position { after: Some(snapshot.seq), epoch: Some(snapshot.epoch) };
        self.reached.store(snapshot.seq, Relaxed);
        let gone = |_| ApiError::Stopped;
        self.sink.send(FollowerEvent::Snapshot(snapshot.orders)).await.map_err(gone)?;
        Ok(snapshot.seq)
    }

    fn turned_away(&self) -> Ended {
        let what = format!("feed {} turned {} away", self.audience, self.session.name);
        self.session.observe(Observation::Violation(what));
        Ended::ForGood
    }
}
