//! A WebSocket connection to a feed: frames in, frames out, and the reason it ended.

use super::frame::Frame;
use crate::http::{ApiError, Node};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Timeout of the handshake.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(15);
/// Silence after which a connection counts as lost; the server pings every 25 s.
const SILENCE_MAX: Duration = Duration::from_secs(75);
/// Timeout for sending one frame.
const SEND_WAIT_MAX: Duration = Duration::from_secs(10);

/// An open WebSocket connection.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What opens a connection.
#[derive(Debug, Clone, Copy)]
pub enum Credentials<'a> {
    /// An access token, in the `Authorization` header.
    Token(&'a str),
    /// A one-time ticket, in the address: a browser cannot set the header.
    Ticket(&'a str),
}

/// What a connection yields.
#[derive(Debug)]
pub enum Incoming {
    /// A frame.
    Frame(Frame),
    /// Text that is not a frame of the contract.
    Unreadable(String),
    /// The end, with its close code where there was one.
    End(Option<u16>),
}

/// Why no connection was opened.
#[derive(Debug)]
pub enum NotOpened {
    /// The server answered the handshake with this status.
    Status(u16),
    /// The connection failed.
    Line(String),
}

impl Socket {
    /// Opens a connection to an audience's feed.
    ///
    /// # Errors
    /// The status of a refusal, or the connection error.
    pub async fn open(
        node: &Node,
        audience: &str,
        credentials: Credentials<'_>,
    ) -> Result<Self, NotOpened> {
        let line = |fault: &dyn std::fmt::Display| NotOpened::Line(fault.to_string());
        let mut url = format!("ws://{}/v1/feed?audience={audience}", node.authority());
        if let Credentials::Ticket(ticket) = credentials {
            url = format!("{url}&ticket={ticket}");
        }
        let mut request = url.into_client_request().map_err(|fault| line(&fault))?;
        if let Credentials::Token(token) = credentials {
            let bearer =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|fault| line(&fault))?;
            request.headers_mut().insert("authorization", bearer);
        }
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("yumo.v1"));
        let opened = tokio::time::timeout(HANDSHAKE_WAIT_MAX, connect_async(request)).await;
        match opened {
            Ok(Ok((stream, _))) => Ok(Self(stream)),
            Ok(Err(Error::Http(response))) => Err(NotOpened::Status(response.status().as_u16())),
            Ok(Err(fault)) => Err(line(&fault)),
            Err(late) => Err(line(&late)),
        }
    }

    /// The next frame, or the end; pings are answered meanwhile.
    pub async fn next(&mut self) -> Incoming {
        loop {
            let came = tokio::time::timeout(SILENCE_MAX, self.0.next()).await;
            let Ok(Some(Ok(message))) = came else { return Incoming::End(None) };
            if let Message::Text(text) = &message {
                return match serde_json::from_str(text.as_str()) {
                    Ok(frame) => Incoming::Frame(frame),
                    Err(fault) => Incoming::Unreadable(format!("{fault}: {text}")),
                };
            }
            if let Message::Close(close) = &message {
                return Incoming::End(close.as_ref().map(|close| close.code.into()));
            }
        }
    }

    /// Requests everything after a number of this epoch.
    pub async fn resume(&mut self, after: i64, epoch: &str) -> Result<(), ApiError> {
        self.send(format!(r#"{{"type":"resume","after":{after},"epoch":"{epoch}"}}"#)).await
    }

    /// Acknowledges everything up to a number for this device.
    pub async fn ack(&mut self, seq: i64) -> Result<(), ApiError> {
        self.send(format!(r#"{{"type":"ack","seq":{seq}}}"#)).await
    }

    async fn send(&mut self, text: String) -> Result<(), ApiError> {
        match tokio::time::timeout(SEND_WAIT_MAX, self.0.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(ApiError::Unreachable(fault.to_string())),
            Err(late) => Err(ApiError::Unreachable(late.to_string())),
        }
    }

    /// Closes the connection with a close frame.
    pub async fn close(mut self) {
        let _late = tokio::time::timeout(SEND_WAIT_MAX, self.0.close(None)).await;
    }
}
