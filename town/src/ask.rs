//! One thing a person asks of the engine.

use serde_json::Value;
use uuid::Uuid;

/// How a thing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
}

/// A request before it has an address: what, with which key, seen at which version.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) if_match: Option<i64>,
}

impl Ask {
    /// Reads a path.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), body: None, key: None, if_match: None }
    }

    /// A command, with an idempotency key of its own: however often it is sent, it happens once.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Post, path.into(), body)
    }

    /// A command that replaces.
    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Put, path.into(), body)
    }

    /// A command that changes a part.
    pub fn patch(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Patch, path.into(), body)
    }

    fn command(method: Method, path: String, body: &Value) -> Self {
        let key = Some(Uuid::new_v4().simple().to_string());
        Self { method, path, body: Some(body.to_string()), key, if_match: None }
    }

    /// Names the version that was seen.
    #[must_use]
    pub fn if_match(mut self, version: i64) -> Self {
        self.if_match = Some(version);
        self
    }
}
