//! A connection: one socket, served by one small task. When woken it reads the feed and sends it
//! page by page; it holds one page at most, so a slow client delays no other and costs little
//! memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session,
};
use chrono::TimeDelta;
use entity::feed_event;
use futures_util::{FutureExt as _, Stream as _};

use super::acks;
use super::end::{ConnectionEnd, broken};
use super::frame::{self, DeviceFrame};
use super::hub::Subscription;
use super::limits::OpenSocket;
use super::refusal::Refusal;
use super::subscriber::{Cursor, WakeFlags};
use crate::access::Principal;
use crate::notifications;
use crate::notifications::follow::{self, Position, Start};
use platform::CommandError;
use platform::codes::General;
use platform::feed::PAGE_EVENTS;

/// The bytes sent before the socket gets a turn to write, so that its buffer need not grow.
const TOGETHER_BYTES: usize = 8 * 1024;
/// How long sending a close frame may take.
const CLOSE_MAX: Duration = Duration::from_mins(1);

type Heard = Option<Result<AggregatedMessage, ProtocolError>>;

/// One socket.
pub struct Connection {
    /// Its subscription in the hub.
    pub subscription: Subscription,
    /// The sending half.
    pub session: Session,
    /// The receiving half.
    pub stream: AggregatedMessageStream,
    /// Its count among the session's open sockets.
    pub counted: OpenSocket,
}

impl Connection {
    /// Serves the socket until it ends.
    pub async fn serve(mut self, hello: String) {
        let end = match self.session.text(hello).await {
            Ok(()) => self.follow().await,
            Err(_) => ConnectionEnd::Gone,
        };
        let Self { subscription, session, stream, counted } = self;
        acks::settle(&subscription.hub.edge, &subscription.subscriber);
        drop((subscription, stream, counted));
        if let ConnectionEnd::Close(code, why) = end {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(why.into()) };
            // A slow client reads the close frame after everything sent before it.
            let _ = Box::pin(tokio::time::timeout(CLOSE_MAX, session.close(Some(reason)))).await;
        }
    }

    async fn follow(&mut self) -> ConnectionEnd {
        loop {
            let (marks, heard) = poll_fn(|context| self.poll(context)).await;
            // Boxed, so that an idle connection does not hold the memory its work needs.
            if let Err(end) = Box::pin(self.turn(marks, heard)).await {
                return end;
            }
        }
    }

    /// Polls the wake-up flags and the socket; always both, so that neither starves.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(WakeFlags, Option<Heard>)> {
        let marks = self.subscription.subscriber.poll_flags(context);
        let heard = Pin::new(&mut self.stream).poll_next(context);
        match (marks, heard) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            (Poll::Ready(marks), Poll::Pending) => Poll::Ready((marks, None)),
            (Poll::Ready(marks), Poll::Ready(heard)) => Poll::Ready((marks, Some(heard))),
            (Poll::Pending, Poll::Ready(heard)) => Poll::Ready((WakeFlags::default(), Some(heard))),
        }
    }

    async fn turn(&mut self, marks: WakeFlags, heard: Option<Heard>) -> Result<(), ConnectionEnd> {
        if marks.has(WakeFlags::STOP) {
            return Err(ConnectionEnd::Close(1012, "the server restarts: reconnect"));
        }
        if let Some(heard) = heard {
            self.heard(heard).await?;
        }
        if marks.has(WakeFlags::CHECK) {
            self.check().await?;
        }
        if marks.has(WakeFlags::SILENT) && self.silent() {
            return Err(ConnectionEnd::Close(4008, "nothing was heard: reconnect and resume"));
        }
        if marks.has(WakeFlags::PING) {
            self.ping()?;
        }
        if marks.has(WakeFlags::UNTOLD) {
            let refused = notifications::Refusal::NotYetTold.refused();
            self.send(frame::problem(&refused)).await?;
        }
        let far = marks.has(WakeFlags::FAR);
        let asked = matches!(self.subscription.subscriber.place.get(), Cursor::Asked(_));
        if far || asked || marks.has(WakeFlags::LOOK) {
            self.catch_up(far || asked).await?;
        }
        Ok(())
    }

    async fn heard(&mut self, heard: Heard) -> Result<(), ConnectionEnd> {
        let message = match heard {
            None => return Err(ConnectionEnd::Gone),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(message)) => message,
        };
        self.subscription.subscriber.heard.set(self.subscription.hub.seconds());
        let text = match message {
            AggregatedMessage::Text(text) => text,
            AggregatedMessage::Ping(bytes) => {
                return self.sent(|session| session.pong(&bytes).now_or_never());
            }
            AggregatedMessage::Pong(_) => return Ok(()),
            AggregatedMessage::Close(_) => return Err(ConnectionEnd::Close(1000, "")),
            AggregatedMessage::Binary(_) => {
                return self.unread("frames are JSON text".to_owned()).await;
            }
        };
        match frame::read(&text) {
            Ok(DeviceFrame::Resume { after, epoch }) => {
                *self.subscription.subscriber.named.borrow_mut() = epoch;
                self.resumes(after).await
            }
            Ok(DeviceFrame::Renew { token }) => self.renew(&token).await,
            Ok(DeviceFrame::Ack { seq, epoch }) if self.is_here(epoch.as_deref()).await => {
                acks::ack(&self.subscription.hub.edge, &self.subscription.subscriber, seq);
                Ok(())
            }
            Ok(DeviceFrame::Ack { .. }) => {
                self.send(frame::problem(&notifications::Refusal::OtherEpoch.refused())).await
            }
            Err(why) => self.unread(why).await,
        }
    }

    /// Whether an acknowledgement belongs to the current epoch. Without a named epoch it does if
    /// the events sent on this connection do.
    async fn is_here(&self, named: Option<&str>) -> bool {
        let subscriber = &self.subscription.subscriber;
        match self.subscription.hub.edge.engine.shared().epoch().await {
            Ok(epoch) if named.is_none() && matches!(subscriber.place.get(), Cursor::At(_)) => {
                epoch.id == *subscriber.epoch.borrow()
            }
            Ok(epoch) => epoch.is(named),
            // The acknowledgement itself will fail if the database is unavailable.
            Err(_) => matches!(subscriber.place.get(), Cursor::At(_)),
        }
    }

    async fn unread(&mut self, why: String) -> Result<(), ConnectionEnd> {
        self.send(frame::problem(&General::Malformed.refused().because(why))).await
    }

    /// The device asks to resume after this number; limited per minute (LIM-8).
    async fn resumes(&mut self, after: i64) -> Result<(), ConnectionEnd> {
        let (edge, session_id) =
            (&self.subscription.hub.edge, self.subscription.subscriber.reader().session_id);
        match edge.feed.resume(session_id) {
            Ok(()) => {
                self.subscription.subscriber.place.set(Cursor::Asked(after));
                Ok(())
            }
            Err(wait_s) => {
                let refused = Refusal::TooManyResumes.refused().with("retry_after_s", wait_s);
                self.send(frame::problem(&refused)).await
            }
        }
    }

    /// The device sends a new access token of its session, which keeps the socket open (LIM-8).
    async fn renew(&mut self, token: &str) -> Result<(), ConnectionEnd> {
        let (hub, subscriber) =
            (Rc::clone(&self.subscription.hub), Rc::clone(&self.subscription.subscriber));
        let shown = hub.edge.sessions.authenticate(&hub.edge.engine, token).await;
        let refused = match shown {
            Ok(principal) if principal.session_id == subscriber.reader().session_id => {
                let expires_at = principal.expires_at.max(subscriber.reader().expires_at);
                let principal = Principal { expires_at, ..(*principal).clone() };
                *subscriber.principal.borrow_mut() = Arc::new(principal);
                // The person's roles were read with the token.
                self.check().await?;
                let now = hub.edge.engine.shared().clock.now();
                return self.send(frame::renewed(expires_at, now)).await;
            }
            Ok(_) => crate::access::Refusal::Unauthenticated.refused(),
            Err(CommandError::Refused(refused)) => *refused,
            Err(stop) => {
                tracing::warn!(?stop, "a token could not be read");
                return Ok(());
            }
        };
        self.send(frame::problem(&refused)).await
    }

    /// Checks that the session is valid, still belongs to the audience, and was renewed in time.
    async fn check(&mut self) -> Result<(), ConnectionEnd> {
        let (hub, subscriber) = (&self.subscription.hub, &self.subscription.subscriber);
        let grace = TimeDelta::seconds(hub.edge.settings.feed.renew_grace_s);
        if hub.edge.engine.shared().clock.now() - grace >= subscriber.reader().expires_at {
            return Err(ConnectionEnd::Close(
                4002,
                "the access token was not renewed: connect with a new one",
            ));
        }
        let checked = hub.edge.sessions.standing(&hub.edge.engine, &subscriber.reader()).await;
        match checked {
            Ok(principal) if principal.hears(&subscriber.audience) => {
                *subscriber.principal.borrow_mut() = principal;
                Ok(())
            }
            Ok(_) => Err(ConnectionEnd::Close(4003, "this feed is no longer yours")),
            Err(CommandError::Refused(_)) => {
                Err(ConnectionEnd::Close(4001, "access ended: sign in"))
            }
            Err(stop) => {
                tracing::warn!(?stop, "access could not be checked");
                subscriber.wake_again(WakeFlags::CHECK);
                Ok(())
            }
        }
    }

    /// Whether nothing has been received for too long, including what was read just now.
    fn silent(&self) -> bool {
        let silence = self
            .subscription
            .hub
            .seconds()
            .saturating_sub(self.subscription.subscriber.heard.get());
        u64::from(silence) >= self.subscription.hub.edge.settings.feed.silence_s
    }

    /// Sends a ping, unless the send buffer is full.
    fn ping(&mut self) -> Result<(), ConnectionEnd> {
        self.sent(|session| session.ping(b"").now_or_never())
    }

    fn sent(
        &mut self,
        send: impl FnOnce(&mut Session) -> Option<Result<(), actix_ws::Closed>>,
    ) -> Result<(), ConnectionEnd> {
        if let Some(Err(_)) = send(&mut self.session) { Err(ConnectionEnd::Gone) } else { Ok(()) }
    }

    /// Sends all new events.
    async fn catch_up(&mut self, far: bool) -> Result<(), ConnectionEnd> {
        let audience = self.subscription.subscriber.audience.to_string();
        loop {
            match self.subscription.subscriber.place.get() {
                Cursor::Outside => return Ok(()),
                Cursor::Asked(after) => {
                    if !self.resume(&audience, after).await? {
                        return Ok(());
                    }
                }
                Cursor::At(number) => {
                    if !self.page(&audience, number, far).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Finds the start of a resume. False when nothing more is to be done.
    async fn resume(&mut self, audience: &str, after: i64) -> Result<bool, ConnectionEnd> {
        let (hub, subscriber) =
            (Rc::clone(&self.subscription.hub), Rc::clone(&self.subscription.subscriber));
        let found = {
            let _turn = hub.turns.acquire().await;
            let named = subscriber.named.borrow().clone();
            follow::from(hub.edge.engine.shared(), audience, after, named.as_deref()).await
        };
        match found {
            Ok(Position::Here(Start { newest, epoch })) => {
                *subscriber.epoch.borrow_mut() = epoch.id;
                subscriber.live.set(newest);
                subscriber.known_from.set(after);
                subscriber.matters.borrow_mut().clear();
                subscriber.place.set(Cursor::At(after));
                Ok(after < newest)
            }
            Ok(Position::Behind(behind)) => self.snapshot_needed(behind).await,
            Err(stop) => Ok(self.failed(&stop)),
        }
    }

    /// Sends the next page. False when there was none, or it was the last one for now.
    async fn page(
        &mut self,
        audience: &str,
        number: i64,
        far: bool,
    ) -> Result<bool, ConnectionEnd> {
        let hub = Rc::clone(&self.subscription.hub);
        let epoch = Arc::clone(&self.subscription.subscriber.epoch.borrow());
        match follow::next(hub.edge.engine.shared(), audience, (&epoch, number), far).await {
            Ok(Position::Here(events)) => {
                self.hand_over(&events).await?;
                Ok(events.len() >= PAGE_EVENTS)
            }
            Ok(Position::Behind(behind)) => self.snapshot_needed(behind).await,
            Err(stop) => Ok(self.failed(&stop)),
        }
    }

    async fn snapshot_needed(&mut self, behind: follow::Behind) -> Result<bool, ConnectionEnd> {
        self.subscription.subscriber.place.set(Cursor::Outside);
        self.send(frame::snapshot_needed(behind)).await?;
        Ok(false)
    }

    fn failed(&self, stop: &CommandError) -> bool {
        tracing::warn!(?stop, "a feed could not be read; trying again");
        self.subscription.subscriber.wake_again(WakeFlags::FAR);
        false
    }

    async fn hand_over(&mut self, events: &[Arc<feed_event::Model>]) -> Result<(), ConnectionEnd> {
        let Self { subscription: Subscription { hub, subscriber }, session, .. } = self;
        let (edge, principal) = (&hub.edge, subscriber.reader());
        let clock = &edge.engine.shared().clock;
        let sending = async {
            let mut together = 0;
            for event in events {
                let now = clock.now();
                let text = frame::event(event, &principal, &subscriber.audience, &edge.keys, now);
                together += text.len();
                session.text(text).await?;
                subscriber.place.set(Cursor::At(event.seq));
                acks::handed_over(subscriber, event);
                if event.seq > subscriber.live.get() {
                    delivered(now - event.at, clock.speed());
                }
                if together >= TOGETHER_BYTES {
                    together = 0;
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        };
        in_time(edge.settings.feed.send_timeout_s, sending).await
    }

    async fn send(&mut self, text: String) -> Result<(), ConnectionEnd> {
        in_time(self.subscription.hub.edge.settings.feed.send_timeout_s, self.session.text(text))
            .await
    }
}

async fn in_time(
    most_s: u64,
    sending: impl Future<Output = Result<(), actix_ws::Closed>>,
) -> Result<(), ConnectionEnd> {
    match tokio::time::timeout(Duration::from_secs(most_s), sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ConnectionEnd::Gone),
        Err(_) => Err(ConnectionEnd::Close(4008, "too slow: reconnect and resume")),
    }
}

/// Records the time from an event's instant until it was passed to the socket, in real seconds.
fn delivered(took: chrono::TimeDelta, speed: u32) {
    let took = took.to_std().unwrap_or_default() / speed.max(1);
    metrics::histogram!("yumo_feed_delivery_seconds").record(took);
}
