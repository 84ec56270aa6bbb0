//! The HTTP/1.1 client of one server: sends each request once, without retries of its own, so that
//! a test knows what was sent and what was answered.

use std::io::{Error, Result};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

/// How long an idle connection is kept; the server closes one after five seconds.
const IDLE_MAX: Duration = Duration::from_secs(2);
/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_mins(2);

/// A request to the server; a command carries an idempotency key for retries.
#[derive(Clone, Debug)]
pub struct Ask {
    method: &'static str,
    /// Path and query.
    pub path: String,
    /// JSON.
    pub body: Option<String>,
    /// The idempotency key.
    pub key: Option<String>,
    if_match: Option<i64>,
}

impl Ask {
    /// A read.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, key: None, if_match: None }
    }

    /// A command under a fresh key.
    pub fn command(method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let key = Some(Uuid::new_v4().simple().to_string());
        Self { method, path: path.into(), body: Some(body.to_string()), key, if_match: None }
    }

    /// A command by POST.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::command("POST", path, body)
    }

    /// With the version that was seen.
    pub fn seen(mut self, version: i64) -> Self {
        self.if_match = Some(version);
        self
    }

    fn text(&self, host: &str, token: &str) -> String {
        use std::fmt::Write as _;
        let body = self.body.as_deref().unwrap_or_default();
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        if !token.is_empty() {
            write!(text, "authorization: Bearer {token}\r\n").unwrap();
        }
        if let Some(key) = &self.key {
            write!(text, "idempotency-key: {key}\r\n").unwrap();
        }
        if let Some(version) = self.if_match {
            write!(text, "if-match: \"{version}\"\r\n").unwrap();
        }
        write!(text, "content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len())
            .unwrap();
        text + body
    }
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// True if it is the stored answer of an earlier request.
    pub replayed: bool,
    /// Seconds to wait before a retry.
    pub retry_after: Option<u64>,
    /// The body, when it is JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// True for a success.
    pub fn is_yes(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The stable code of a refusal.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of a success; anything else fails the test.
    pub fn yes(self) -> Value {
        assert!(self.is_yes(), "{} {}", self.status, self.text);
        self.body
    }
}

/// The connections to one server.
pub struct Wire {
    host: String,
    idle: Mutex<Vec<(TcpStream, Instant)>>,
}

impl Wire {
    /// A client of this address.
    pub fn to(host: &str) -> Self {
        Self { host: host.to_owned(), idle: Mutex::default() }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends once; a missing answer is an error.
    pub async fn ask(&self, token: &str, ask: &Ask) -> Result<Answer> {
        let asked = tokio::time::timeout(ANSWER_MAX, self.exchange(ask.text(&self.host, token)));
        asked.await.map_err(|_| Error::other("no answer in time"))?
    }

    /// Sends on a separate connection and resets it (RST) after a while: the sender is gone.
    pub async fn resets(&self, token: &str, ask: &Ask, after: Duration) {
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(ask.text(&self.host, token).as_bytes()).await.unwrap();
        crate::wait::pause(after).await;
        stream.set_zero_linger().unwrap();
    }

    /// Sends once; a missing answer fails the test.
    pub async fn sure(&self, token: &str, ask: &Ask) -> Answer {
        let answer = self.ask(token, ask).await;
        answer.unwrap_or_else(|error| panic!("no answer to {ask:?}: {error}"))
    }

    async fn exchange(&self, text: String) -> Result<Answer> {
        let kept = self.idle.lock().unwrap().pop().filter(|(_, at)| at.elapsed() < IDLE_MAX);
        let mut stream = match kept {
            Some((stream, _)) => stream,
            None => {
                let stream = TcpStream::connect(&self.host).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(text.as_bytes()).await?;
        let mut bytes = Vec::with_capacity(8 * 1024);
        loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(Error::other("closed without a whole answer"));
            }
            if let Some(answer) = parse(&bytes) {
                self.idle.lock().unwrap().push((stream, Instant::now()));
                return Ok(answer);
            }
        }
    }
}

/// The answer, once complete; the server always sends its length, except where there is no body.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap().to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    assert!(header("transfer-encoding:").is_none(), "an answer in chunks: {head}");
    let length = header("content-length:").map_or(0, |value| value.trim().parse().unwrap());
    let body = bytes.get(end + 4..end + 4 + length)?;
    let text = String::from_utf8(body.to_vec()).unwrap();
    Some(Answer {
        status: head["http/1.1 ".len()..][..3].parse().unwrap(),
        replayed: header("idempotency-replayed:").is_some_and(|value| value.trim() == "true"),
        retry_after: header("retry-after:").map(|value| value.trim().parse().unwrap()),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    })
}
