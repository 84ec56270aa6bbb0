//! One node of the engine: its address, its pooled connections, complete responses.
//!
//! Written for measurements: a general client costs several times as much processor time for each
//! request, on the same two cores as the engine it would measure.

use super::error::ApiError;
use super::parser::parse;
use super::request::{Method, Request};
use super::response::Response;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The default timeout of one response.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);
/// Idle connections kept open.
const IDLE_CONNECTIONS_MAX: usize = 1024;
/// How long an idle connection is kept; the server closes it after five seconds.
const IDLE_MAX: Duration = Duration::from_secs(3);
/// Initial capacity for a usual response, bytes.
const ROOM: usize = 4 * 1024;

/// A client of one node.
#[derive(Debug, Clone)]
pub struct Node {
    authority: Arc<str>,
    idle: Arc<Mutex<Vec<(TcpStream, Instant)>>>,
    timeout: Duration,
    resends: bool,
}

/// Why a connection gave no response.
enum Broken {
    /// It was closed before the first byte of the response.
    Silent,
    /// Anything else.
    Line(String),
}

impl Node {
    /// A client for `base`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// When it is not a plain `http://` address.
    pub fn at(base: &str) -> Result<Self, ApiError> {
        let plain = || ApiError::Unreachable(format!("{base} is no plain http:// address"));
        let rest = base.strip_prefix("http://").ok_or_else(plain)?;
        let authority = rest.trim_end_matches('/');
        let with_port =
            if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
                authority.to_owned()
            } else {
                format!("{authority}:80")
            };
        Ok(Self {
            authority: with_port.into(),
            idle: Arc::default(),
            timeout: ANSWER_WAIT_MAX,
            resends: true,
        })
    }

    /// With another timeout of one response.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Writes each request once, also when the node closed an idle connection at that moment: for
    /// tests that count what was sent.
    #[must_use]
    pub fn without_resending(mut self) -> Self {
        self.resends = false;
        self
    }

    /// Its host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The address of the feed's socket.
    pub fn feed_url(&self, audience: &str) -> String {
        format!("ws://{}/v1/feed?audience={audience}", self.authority)
    }

    /// Sends once and reads the whole response, whatever its status.
    ///
    /// # Errors
    /// When there is no complete response in time.
    pub async fn send(&self, request: &Request, token: Option<&str>) -> Result<Response, ApiError> {
        let text = self.text_of(request, token);
        match tokio::time::timeout(self.timeout, self.exchange(text.as_bytes())).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(Broken::Silent)) => {
                Err(ApiError::Unreachable("closed without an answer".to_owned()))
            }
            Ok(Err(Broken::Line(why))) => Err(ApiError::Unreachable(why)),
            Err(late) => Err(ApiError::Unreachable(late.to_string())),
        }
    }

    /// The request as it is written to the connection.
    pub fn text_of(&self, request: &Request, token: Option<&str>) -> String {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
        };
        let path = &request.path;
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        // Writing to a string cannot fail.
        let mut header = |name: &str, value: std::fmt::Arguments<'_>| {
            let _written = write!(text, "{name}: {value}\r\n");
        };
        if let Some(token) = token {
            header("authorization", format_args!("Bearer {token}"));
        }
        if let Some(key) = &request.key {
            header("idempotency-key", format_args!("{key}"));
        }
        if let Some(version) = request.if_match {
            header("if-match", format_args!("\"{version}\""));
        }
        if let Some(body) = &request.body {
            header("content-type", format_args!("application/json"));
            header("content-length", format_args!("{}", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(request.body.as_deref().unwrap_or_default());
        text
    }

    async fn exchange(&self, request: &[u8]) -> Result<Response, Broken> {
        if let Some(kept) = self.kept() {
            match self.over(kept, request).await {
                // The server closed the idle connection at the same moment; a fresh one is opened.
                Err(Broken::Silent) if self.resends => {}
                answered => return answered,
            }
        }
        let fresh =
            TcpStream::connect(&*self.authority).await.map_err(|fault| Broken::line(&fault))?;
        fresh.set_nodelay(true).map_err(|fault| Broken::line(&fault))?;
        self.over(fresh, request).await
    }

    async fn over(&self, mut stream: TcpStream, request: &[u8]) -> Result<Response, Broken> {
        if stream.write_all(request).await.is_err() {
            return Err(Broken::Silent);
        }
        let mut bytes = Vec::with_capacity(ROOM);
        loop {
            let read = stream.read_buf(&mut bytes).await;
            match read {
                Ok(0) | Err(_) if bytes.is_empty() => return Err(Broken::Silent),
                Ok(0) => return Err(Broken::Line("closed amid an answer".to_owned())),
                Ok(_) => {}
                Err(fault) => return Err(Broken::line(&fault)),
            }
            if let Some(parsed) = parse(&bytes).map_err(Broken::Line)? {
                if parsed.keeps_alive {
                    self.keep(stream);
                }
                return Ok(parsed.response);
            }
        }
    }

    fn kept(&self) -> Option<TcpStream> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (stream, since) = idle.pop()?;
        if since.elapsed() < IDLE_MAX {
            return Some(stream);
        }
        // The newest idle connection is too old, and so are all the others.
        idle.clear();
        None
    }

    fn keep(&self, stream: TcpStream) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push((stream, Instant::now()));
        }
    }
}

impl Broken {
    fn line(fault: &std::io::Error) -> Self {
        Self::Line(fault.to_string())
    }
}
