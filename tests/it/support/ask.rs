//! A request builder and its answer.

use chrono::{DateTime, TimeDelta};
use entity::value::Instant;
use serde_json::Value;
use uuid::Uuid;

use super::described::{self, Exchange};
use super::frames::{self, Sender};
use super::people::Person;

/// A request being built.
pub struct Ask<'p> {
    person: &'p Person,
    method: reqwest::Method,
    path: String,
    body: Option<Value>,
    key: Option<String>,
    seen: Option<String>,
}

impl<'p> Ask<'p> {
    /// A request of this person; a command has a fresh key unless another is set.
    pub fn new(person: &'p Person, method: &str, path: &str) -> Self {
        let key = (method != "GET").then(|| Uuid::new_v4().simple().to_string());
        let method = method.parse().unwrap();
        Self { person, method, path: path.to_owned(), body: None, key, seen: None }
    }

    /// With this body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Under this key.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Without any key.
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// Having seen this version.
    pub fn seen(mut self, version: i64) -> Self {
        self.seen = Some(format!("\"{version}\""));
        self
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        let scene = &self.person.scene;
        let what = format!("{} {} {}", self.person.name, self.method, self.path);
        let url = format!("http://{}{}", scene.addr(), self.path);
        let method = self.method.to_string();
        let mut request = scene.http.request(self.method, url);
        if !self.person.token.is_empty() {
            request = request.bearer_auth(&self.person.token);
        }
        if let Some(key) = self.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(seen) = self.seen {
            request = request.header("If-Match", seen);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.map(ToOwned::to_owned);
        let reply = Reply::read(what, answer).await;
        described::exchange(&Exchange {
            method: &method,
            path: &self.path,
            sent: self.body.as_ref(),
            status: reply.status,
            kind: kind.as_deref(),
            answer: &reply.json,
        });
        if self.path.starts_with("/v1/feed/events") && reply.status == 200 {
            let polled = reply.json["events"].as_array().into_iter().flatten();
            polled.for_each(|frame| frames::permitted(Sender::Server, frame));
        }
        reply
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// A description of the request, for messages.
    pub what: String,
    /// The HTTP status.
    pub status: u16,
    /// The body; null where there is none.
    pub json: Value,
    /// The version of the order in the answer.
    pub etag: Option<i64>,
    /// True if it is the stored answer of an earlier request.
    pub replayed: bool,
}

impl Reply {
    async fn read(what: String, answer: reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
        };
        let etag = header("etag").and_then(|tag| tag.trim_matches('"').parse().ok());
        let replayed = header("idempotency-replayed").as_deref() == Some("true");
        let text = answer.text().await.unwrap();
        opened(&what, &text);
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { what, status, json, etag, replayed }
    }

    /// Asserts success; returns the body.
    #[track_caller]
    pub fn ok(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.what, self.status, self.json);
        &self.json
    }

    /// Asserts a refusal with this code; returns the problem.
    #[track_caller]
    pub fn refused(&self, code: &str) -> &Value {
        let refused = (400..500).contains(&self.status) && self.json["code"] == code;
        assert!(refused, "{}: wanted {code}: {} {}", self.what, self.status, self.json);
        &self.json
    }

    /// Asserts a refusal with this code after a lost race: it shows the order in this status.
    #[track_caller]
    pub fn refused_as(&self, code: &str, status: &str) -> &Value {
        let problem = self.refused(code);
        assert_eq!(problem["order"]["status"], status, "{}: {problem}", self.what);
        problem
    }

    /// Asserts an order in this status.
    #[track_caller]
    pub fn status(&self, status: &str) -> &Value {
        let order = self.ok();
        assert_eq!(order["status"], status, "{}: {order}", self.what);
        order
    }

    /// An amount in the answer, qəpik.
    #[track_caller]
    pub fn money(&self, field: &str) -> i64 {
        money(&self.json[field])
    }

    /// An instant in the answer.
    #[track_caller]
    pub fn at(&self, field: &str) -> Instant {
        at(&self.json[field])
    }
}

/// ACC-5: no answer holds a sealed field, whether it answers or refuses.
#[track_caller]
pub fn opened(what: &str, text: &str) {
    assert!(!text.contains(r#"{"$sealed":"#), "{what} is answered sealed: {text}");
}

/// An amount on the wire, qəpik.
#[track_caller]
pub fn money(value: &Value) -> i64 {
    assert_eq!(value["currency"], "AZN", "no money: {value}");
    value["amount"].as_i64().unwrap()
}

/// An instant on the wire.
#[track_caller]
pub fn at(value: &Value) -> Instant {
    instant(value.as_str().unwrap_or_else(|| panic!("no instant: {value}")))
}

/// Parses an instant in RFC 3339.
#[track_caller]
pub fn instant(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// This many seconds.
pub fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

/// This many minutes.
pub fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

/// The names of the actions an order allows its reader.
pub fn allowed(order: &Value) -> Vec<String> {
    let actions = order["actions"].as_object().unwrap_or_else(|| panic!("no actions: {order}"));
    let allowed = actions.iter().filter(|(_, action)| action["allowed"] == true);
    allowed.map(|(name, _)| name.clone()).collect()
}
