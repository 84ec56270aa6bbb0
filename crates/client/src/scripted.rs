//! A scripted node for the tests: answers each request as its script says, and records it.

use crate::http::Node;
use crate::observer::{Observation, Observer};
use crate::session::{Codes, Context, Mailbox, Pace, Session, stop_pair};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The phone that signs in.
const PHONE: &str = "+994501234567";

/// A received request: its first line, its lower-case head and its body.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method and path.
    pub line: String,
    /// The whole head.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Received {
    /// The value of a header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

/// The answer to a request: status, further header lines and body.
pub type Script = fn(&Received, usize) -> (u16, &'static str, &'static str);

/// A running scripted node.
pub struct Scripted {
    /// What was received, in order.
    pub received: Arc<Mutex<Vec<Received>>>,
    /// The violations a client reported.
    pub violations: Arc<Mutex<Vec<String>>>,
    _switch: watch::Sender<bool>,
    context: Context,
    node: Node,
}

struct Violations(Arc<Mutex<Vec<String>>>);

impl Observer for Violations {
    fn observe(&self, _who: &str, what: Observation<'_>) {
        if let Observation::Violation(what) = what {
            self.0.lock().unwrap().push(what);
        }
    }
}

struct AnyCode;

impl Codes for AnyCode {
    fn code<'a>(&'a self, phone: &'a str) -> futures_util::future::BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let mailbox = Mailbox::default();
            mailbox.deliver(phone, "123456");
            mailbox.code(phone).await
        })
    }
}

impl Scripted {
    /// Starts one; the script gets each request and how many of the same line came before.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = Node::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (received, violations) = (Arc::default(), Arc::default());
        let (switch, stop) = stop_pair();
        let record = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, script, Arc::clone(&record)));
            }
        });
        let context = Context {
            codes: Arc::new(AnyCode),
            pace: Pace::of(1.0),
            stop,
            observer: Arc::new(Violations(Arc::clone(&violations))),
        };
        Self { received, violations, _switch: switch, context, node }
    }

    /// A session of it.
    pub async fn session(&self) -> Session {
        Session::sign_in(self.node.clone(), &self.context, PHONE, "Anar").await.unwrap()
    }

    /// The received requests whose first line contains `part`.
    pub fn received(&self, part: &str) -> Vec<Received> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|one| one.line.contains(part)).cloned().collect()
    }
}

async fn serve(mut stream: TcpStream, script: Script, record: Arc<Mutex<Vec<Received>>>) {
    let mut bytes = Vec::new();
    loop {
        while let Some((received, length)) = whole(&bytes) {
            bytes.drain(..length);
            let before = {
                let mut record = record.lock().unwrap();
                let before = record.iter().filter(|one| one.line == received.line).count();
                record.push(received.clone());
                before
            };
            let (status, headers, body) =
                sign_in(&received).unwrap_or_else(|| script(&received, before));
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// Everybody may sign in; each refresh gives the next token.
fn sign_in(received: &Received) -> Option<(u16, &'static str, &'static str)> {
    let path = received.line.split(' ').nth(1).unwrap_or_default();
    match path {
        "/v1/auth/otp" => Some((202, "", "{}")),
        "/v1/auth/sessions" => Some((
            201,
            "",
            r#"{"access_token":"first","expires_in":900,"refresh_token":"r","person_id":"p"}"#,
        )),
        "/v1/auth/refresh" => {
            Some((200, "", r#"{"access_token":"second","expires_in":900,"refresh_token":"s"}"#))
        }
        _ => None,
    }
}

/// The first complete request, and its length.
fn whole(bytes: &[u8]) -> Option<(Received, usize)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let (line, _) = head.split_once("\r\n")?;
    let mut received = Received {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        head: head.to_ascii_lowercase(),
        body: String::new(),
    };
    let length = received.header("content-length").parse().unwrap_or(0);
    received.body = rest.get(..length)?.to_owned();
    Some((received, head.len() + 4 + length))
}
