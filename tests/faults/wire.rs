//! The client of one server as the fault tests use it: sends each request once, without retries of
//! its own, so that a test knows what was sent and what was answered.

use std::time::Duration;

use client::{ApiError, Node, Page, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

pub use client::Request;

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_mins(2);

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

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let text = response.text();
        Self {
            status: response.status,
            replayed: response.is_replayed,
            retry_after: response.retry_after_s,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }
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
pub struct Wire(Node);

impl Wire {
    /// A client of this address.
    pub fn to(host: &str) -> Self {
        let node = Node::at(&format!("http://{host}")).unwrap();
        Self(node.with_timeout(ANSWER_MAX).without_resending())
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        self.0.authority()
    }

    /// Sends once; a missing answer is an error.
    pub async fn ask(&self, token: &str, ask: &Request) -> Result<Answer, ApiError> {
        let token = (!token.is_empty()).then_some(token);
        self.0.send(ask, token).await.map(Answer::from)
    }

    /// Sends on a separate connection and resets it (RST) after a while: the sender is gone.
    pub async fn resets(&self, token: &str, ask: &Request, after: Duration) {
        let mut stream = TcpStream::connect(self.host()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(self.0.text_of(ask, Some(token)).as_bytes()).await.unwrap();
        crate::wait::pause(after).await;
        stream.set_zero_linger().unwrap();
    }

    /// Sends once; a missing answer fails the test.
    pub async fn sure(&self, token: &str, ask: &Request) -> Answer {
        let answer = self.ask(token, ask).await;
        answer.unwrap_or_else(|error| panic!("no answer to {ask:?}: {error}"))
    }

    /// The items of a list from all its pages; `path` has a query.
    pub async fn all<T: DeserializeOwned>(&self, token: &str, path: &str) -> Vec<T> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = self.sure(token, &Request::get(format!("{path}{cursor}"))).await;
            let page: Page<T> = serde_json::from_value(answer.yes()).unwrap();
            items.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
