//! A raw request of any kind, and its complete answer, as no well-behaved device would send it.

use reqwest::header::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use crate::support::Person;
use crate::support::ask::opened;

/// A request being built.
pub struct Raw<'p> {
    person: &'p Person,
    method: String,
    path: String,
    token: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl<'p> Raw<'p> {
    /// With this person's token and nothing else.
    pub fn of(person: &'p Person, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        let (headers, body) = (Vec::new(), Vec::new());
        Self { person, method, path, token: person.token.clone(), headers, body }
    }

    /// A command: with a fresh key.
    pub fn command(person: &'p Person, method: &str, path: &str) -> Self {
        Self::of(person, method, path).key(&Uuid::new_v4().simple().to_string())
    }

    /// With another token; without one if it is empty.
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Under this key.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// Having seen this version.
    pub fn seen(self, version: i64) -> Self {
        self.header("If-Match", &format!("\"{version}\""))
    }

    /// With this body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// With these bytes.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let scene = &self.person.scene;
        let what = format!("{}: {} {}", self.person.name, self.method, self.path);
        let url = format!("http://{}{}", scene.addr(), self.path);
        let mut request = scene.http.request(self.method.parse().unwrap(), url);
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if !self.body.is_empty() {
            request = request.header("Content-Type", "application/json").body(self.body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        opened(&what, &text);
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { what, status, headers, text, json }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// A description of the request, for messages.
    pub what: String,
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body; null where it is no JSON.
    pub json: Value,
}

impl Answer {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `Retry-After`, seconds.
    #[track_caller]
    pub fn retry_after(&self) -> i64 {
        let after = self.header("retry-after").unwrap_or_else(|| panic!("{self:?}"));
        after.parse().unwrap()
    }

    /// Asserts success with this status; returns the body.
    #[track_caller]
    pub fn ok(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        &self.json
    }

    /// Asserts a refusal, as a problem with this status and code; returns it.
    ///
    /// # Source
    /// RFC 9457.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> &Value {
        let said = format!("{}: wanted {status} {code}: {} {}", self.what, self.status, self.text);
        assert_eq!(self.status, status, "{said}");
        assert_eq!(self.json["code"], code, "{said}");
        assert_eq!(self.json["status"], status, "{said}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{said}");
        assert_eq!(self.json["type"], format!("https://yumo.az/problems/{code}"), "{said}");
        for field in ["title", "detail"] {
            assert!(self.json[field].as_str().is_some_and(|text| !text.is_empty()), "{said}");
        }
        &self.json
    }
}
