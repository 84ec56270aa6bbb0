//! A raw socket: frames, close codes, and frames no well-behaved device sends.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::Person;
use crate::support::frames::{self, Sender};

/// How long any frame may take, real seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A socket.
pub struct FeedSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    name: String,
    /// The first frame.
    pub hello: Value,
}

/// The next item from a socket.
#[derive(Debug)]
enum Said {
    Frame(Value),
    Closed(u16),
}

impl FeedSocket {
    /// Opens one with the person's token.
    pub async fn open(person: &Person, audience: &str) -> Self {
        let authorization = format!("Bearer {}", person.token);
        let query = format!("audience={audience}");
        Self::dial(person, &query, &[("authorization", &authorization)]).await.expect("it opens")
    }

    /// Opens one with this query and these headers, or returns the status of the refusal.
    pub async fn dial(
        person: &Person,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut line = Self::shake(person, query, headers).await?;
        line.hello = line.frame().await;
        assert_eq!(line.hello["type"], "hello");
        Ok(line)
    }

    /// Opens one that is closed before any frame, and returns the code; or the status of the
    /// refusal.
    pub async fn turned_away(
        person: &Person,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<u16, u16> {
        let mut line = Self::shake(person, query, headers).await?;
        let (frames, code) = line.read_out().await;
        assert!(frames.is_empty(), "{}: {frames:?}", person.name);
        Ok(code)
    }

    /// Opens one once another was closed, which the server notices a moment later.
    pub async fn when_there_is_room(person: &Person, audience: &str) -> Self {
        let authorization = format!("Bearer {}", person.token);
        let query = format!("audience={audience}");
        let open = async {
            loop {
                let headers = [("authorization", authorization.as_str())];
                if let Ok(line) = Self::dial(person, &query, &headers).await {
                    return line;
                }
            }
        };
        tokio::time::timeout(PATIENCE, open).await.expect("there is room again")
    }

    async fn shake(
        person: &Person,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{}/v1/feed?{query}", person.scene.addr());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request.headers_mut().insert("sec-websocket-protocol", "yumo.v1".parse().unwrap());
        let (socket, answer) = match connect_async(request).await {
            Ok(open) => open,
            Err(Error::Http(answer)) => return Err(answer.status().as_u16()),
            Err(error) => panic!("{}: {error}", person.name),
        };
        assert_eq!(answer.headers()["sec-websocket-protocol"], "yumo.v1");
        Ok(Self { socket, name: person.name.clone(), hello: Value::Null })
    }

    /// Reads until the stream ends.
    pub async fn ends(&mut self) {
        let end = async { while let Some(Ok(_)) = self.socket.next().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("it ends");
    }

    /// Resumes after this number.
    pub async fn resumes(&mut self, after: i64) {
        self.says(&json!({"type": "resume", "after": after})).await;
    }

    /// Acknowledges.
    pub async fn acks(&mut self, seq: i64) {
        self.says(&json!({"type": "ack", "seq": seq})).await;
    }

    /// Sends a frame.
    pub async fn says(&mut self, frame: &Value) {
        frames::permitted(Sender::Device, frame);
        self.sends_text(&frame.to_string()).await;
    }

    /// Sends any text.
    pub async fn sends_text(&mut self, text: &str) {
        self.sends(Message::text(text.to_owned())).await;
    }

    /// Sends any message.
    pub async fn sends(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    async fn next(&mut self) -> Said {
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let frame = serde_json::from_str(&text).unwrap();
                        frames::permitted(Sender::Server, &frame);
                        return Said::Frame(frame);
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(Some(reason)))) => {
                        return Said::Closed(reason.code.into());
                    }
                    other => panic!("{}: the socket said {other:?}", self.name),
                }
            }
        };
        let said = tokio::time::timeout(PATIENCE, next).await;
        said.unwrap_or_else(|_| panic!("{}: nothing came in {PATIENCE:?}", self.name))
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Said::Frame(frame) => frame,
            Said::Closed(code) => panic!("{}: closed with {code}", self.name),
        }
    }

    /// The frames numbered from … to, in order.
    pub async fn numbered(&mut self, from: i64, to: i64) -> Vec<Value> {
        let mut frames = Vec::new();
        for seq in from..=to {
            let frame = self.frame().await;
            assert_eq!(frame["seq"], seq, "{}: {frame}", self.name);
            frames.push(frame);
        }
        frames
    }

    /// Reads until the server closes; returns the code.
    pub async fn closed(&mut self) -> u16 {
        self.read_out().await.1
    }

    /// Reads everything until the server closes: the frames, and the code.
    pub async fn read_out(&mut self) -> (Vec<Value>, u16) {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Said::Frame(frame) => frames.push(frame),
                Said::Closed(code) => return (frames, code),
            }
        }
    }

    /// True if it is open: an unreadable frame gets an answer.
    pub async fn answers(&mut self) -> bool {
        self.sends_text("anybody there?").await;
        loop {
            match self.next().await {
                Said::Frame(frame) if frame["type"] == "problem" => return true,
                Said::Frame(_) => {}
                Said::Closed(_) => return false,
            }
        }
    }
}
