//! A device that follows a feed over a socket.

use std::time::Duration;

use entity::feed_cursor;
use futures_util::{SinkExt as _, StreamExt as _};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::frames::{self, Sender};
use super::people::Person;

/// How long an event may take to arrive, real seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket on a feed.
pub struct Feed {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    person: Person,
    /// The first frame.
    pub hello: Value,
    /// The number received last.
    pub seq: i64,
    /// All frames received, in order.
    pub heard: Vec<Value>,
}

impl Feed {
    /// Opens the socket and reads the `hello` frame.
    pub async fn open(person: &Person, audience: &str) -> Self {
        let url = format!("ws://{}/v1/feed?audience={audience}", person.scene.addr());
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", person.token).parse().unwrap());
        headers.insert("sec-websocket-protocol", "yumo.v1".parse().unwrap());
        let (socket, _) = connect_async(request).await.expect("the socket opens");
        let (hello, seq) = (Value::Null, 0);
        let mut feed = Self { socket, person: person.clone(), hello, seq, heard: Vec::new() };
        feed.hello = feed.frame().await;
        assert_eq!(feed.hello["type"], "hello");
        feed
    }

    /// Resumes after this number.
    pub async fn resumes(&mut self, after: i64) {
        self.seq = after;
        self.says(json!({"type": "resume", "after": after})).await;
    }

    /// Sends a frame.
    pub async fn says(&mut self, frame: Value) {
        frames::permitted(Sender::Device, &frame);
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("{}: the socket said {other:?}", self.person.name),
                }
            }
        };
        let told = tokio::time::timeout(PATIENCE, next).await;
        let frame =
            told.unwrap_or_else(|_| panic!("{}: nothing came in {PATIENCE:?}", self.person.name));
        frames::permitted(Sender::Server, &frame);
        frame
    }

    /// The next event, with or without content; it must have the next number.
    pub async fn next(&mut self) -> Value {
        let frame = self.frame().await;
        assert_eq!(frame["seq"], self.seq + 1, "{}: {frame}", self.person.name);
        self.seq += 1;
        self.heard.push(frame.clone());
        frame
    }

    /// Reads until an event of this kind arrives; returns it.
    pub async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["event"] == kind {
                return frame;
            }
        }
    }

    /// Acknowledges everything received, and waits until it is stored.
    pub async fn acks(&mut self) {
        self.says(json!({"type": "ack", "seq": self.seq})).await;
        let session_id = self.person.session_id.parse().unwrap();
        let key = (session_id, self.hello["audience"].as_str().unwrap().to_owned());
        let kept = async {
            loop {
                let query = feed_cursor::Entity::find_by_id(key.clone());
                let cursor = query.one(&self.person.scene.db()).await.unwrap();
                if cursor.is_some_and(|cursor| cursor.seq >= self.seq) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, kept).await.expect("the acknowledgement is kept");
    }
}
