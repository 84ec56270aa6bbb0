//! One request, independent of who sends it and to which node.

use serde_json::Value;
use uuid::Uuid;

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads a resource.
    Get,
    /// Runs a command.
    Post,
    /// Replaces a resource.
    Put,
    /// Changes a part of a resource.
    Patch,
}

/// A request without its node address: method, path, body, idempotency key and expected version.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    /// Path and query.
    pub path: String,
    /// The JSON body of a command.
    pub body: Option<String>,
    /// The idempotency key of a command.
    pub key: Option<String>,
    pub(super) if_match: Option<i64>,
}

impl Request {
    /// A read of a path.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), body: None, key: None, if_match: None }
    }

    /// A command with its own idempotency key: however often it is sent, it takes effect once.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Post, path.into(), body)
    }

    /// A command that replaces a resource.
    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Put, path.into(), body)
    }

    /// A command that changes a part of a resource.
    pub fn patch(path: impl Into<String>, body: &Value) -> Self {
        Self::command(Method::Patch, path.into(), body)
    }

    fn command(method: Method, path: String, body: &Value) -> Self {
        let key = Some(Uuid::new_v4().simple().to_string());
        Self { method, path, body: Some(body.to_string()), key, if_match: None }
    }

    /// Without an idempotency key: the routes of sign-in take none.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// Sets the expected version.
    #[must_use]
    pub fn if_match(mut self, version: i64) -> Self {
        self.if_match = Some(version);
        self
    }
}
