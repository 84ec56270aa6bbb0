//! An HTTP/1.1 client for one node of the engine, with pooled connections and complete responses.
//!
//! Written for measurements: a general client costs several times as much processor time for each
//! request, on the same two cores as the engine it would measure. It connects to this machine only,
//! so it has no TLS.

use crate::answer::parse;
use crate::api_error::{ApiError, Problem};
use crate::ask::{Ask, Method};
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Timeout of one response.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);
/// Idle connections kept open.
const IDLE_CONNECTIONS_MAX: usize = 1024;
/// How long an idle connection is kept; the server closes it after five seconds.
const IDLE_MAX: Duration = Duration::from_secs(3);
/// Initial capacity for a usual response, bytes.
const ROOM: usize = 4 * 1024;
/// Characters shown of an odd response.
const SHOWN_CHARS_MAX: usize = 300;

/// The connection pool of one node.
#[derive(Debug, Clone)]
pub struct Wire {
    authority: Arc<str>,
    idle: Arc<Mutex<Vec<(TcpStream, Instant)>>>,
}

/// A response: its status and its body.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, seconds.
    pub retry_after_s: Option<u64>,
    body: Vec<u8>,
}

/// Why a connection gave no response.
enum Broken {
    /// It was closed before the first byte of the response.
    Silent,
    /// Anything else.
    Line(String),
}

impl Wire {
    /// A client for `base`, such as `http://127.0.0.1:8080`.
    pub fn to(base: &str) -> Result<Self, ApiError> {
        let plain = || ApiError::Unreachable(format!("{base} is no plain http:// address"));
        let rest = base.strip_prefix("http://").ok_or_else(plain)?;
        let authority = rest.trim_end_matches('/');
        let with_port =
            if authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
                authority.to_owned()
            } else {
                format!("{authority}:80")
            };
        Ok(Self { authority: with_port.into(), idle: Arc::default() })
    }

    /// The address of the feed's socket.
    pub fn feed_url(&self, audience: &str) -> String {
        format!("ws://{}/v1/feed?audience={audience}", self.authority)
    }

    /// Sends once and reads the whole response, whatever its status.
    pub async fn send(&self, ask: &Ask, token: Option<&str>) -> Result<Reply, ApiError> {
        let request = self.wording(ask, token);
        match tokio::time::timeout(ANSWER_WAIT_MAX, self.exchange(request.as_bytes())).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(Broken::Silent)) => {
                Err(ApiError::Unreachable("closed without an answer".to_owned()))
            }
            Ok(Err(Broken::Line(why))) => Err(ApiError::Unreachable(why)),
            Err(late) => Err(ApiError::Unreachable(late.to_string())),
        }
    }

    fn wording(&self, ask: &Ask, token: Option<&str>) -> String {
        let method = match ask.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
        };
        let mut request = format!("{method} {} HTTP/1.1\r\nhost: {}\r\n", ask.path, self.authority);
        // Writing to a string cannot fail.
        let mut header = |name: &str, value: std::fmt::Arguments<'_>| {
            let _written = write!(request, "{name}: {value}\r\n");
        };
        if let Some(token) = token {
            header("authorization", format_args!("Bearer {token}"));
        }
        if let Some(key) = &ask.key {
            header("idempotency-key", format_args!("{key}"));
        }
        if let Some(version) = ask.if_match {
            header("if-match", format_args!("\"{version}\""));
        }
        if let Some(body) = &ask.body {
            header("content-type", format_args!("application/json"));
            header("content-length", format_args!("{}", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(ask.body.as_deref().unwrap_or_default());
        request
    }

    async fn exchange(&self, request: &[u8]) -> Result<Reply, Broken> {
        if let Some(kept) = self.kept() {
            match self.over(kept, request).await {
                // The server closed the idle connection at the same moment; a fresh one is opened.
                Err(Broken::Silent) => {}
                answered => return answered,
            }
        }
        let fresh =
            TcpStream::connect(&*self.authority).await.map_err(|fault| Broken::line(&fault))?;
        fresh.set_nodelay(true).map_err(|fault| Broken::line(&fault))?;
        self.over(fresh, request).await
    }

    async fn over(&self, mut stream: TcpStream, request: &[u8]) -> Result<Reply, Broken> {
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
            if let Some(answer) = parse(&bytes).map_err(Broken::Line)? {
                if answer.keeps {
                    self.keep(stream);
                }
                let (status, retry_after_s) = (answer.status, answer.retry_after_s);
                return Ok(Reply { status, retry_after_s, body: answer.body });
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

impl Reply {
    /// Whether the status is a success.
    pub fn is_yes(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the engine asks for a retry later.
    pub fn pleads_to_wait(&self) -> bool {
        self.status == 503 || (self.status == 429 && self.retry_after_s.is_some())
    }

    /// The body read as `T`, or the refusal.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_yes() {
            return Err(self.trouble());
        }
        serde_json::from_slice(&self.body).map_err(|fault| self.odd(&fault.to_string()))
    }

    /// Nothing, or the refusal.
    pub fn done(&self) -> Result<(), ApiError> {
        if self.is_yes() { Ok(()) } else { Err(self.trouble()) }
    }

    /// The body as text, for what is not JSON.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The error for a response without success.
    fn trouble(&self) -> ApiError {
        if self.status >= 500 {
            return self.odd("a fault");
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(mut problem) => {
                problem.status = self.status;
                ApiError::Refused(Box::new(problem))
            }
            Err(fault) => self.odd(&fault.to_string()),
        }
    }

    fn odd(&self, why: &str) -> ApiError {
        let shown: String = self.text().chars().take(SHOWN_CHARS_MAX).collect();
        ApiError::Odd(format!("{} {why}: {shown}", self.status))
    }
}
