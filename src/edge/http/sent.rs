//! What a request carries: a body that was read strictly, the key it repeats under, the version it
//! saw.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::problem::{Problem, malformed};
use crate::edge::Edge;
use crate::platform::codes::General;
use crate::platform::crypto::digest;
use crate::platform::idempotency::Key;

/// The longest key.
const KEY_MAX: usize = 64;

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A body alone, for routes that are no commands.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(request, payload);
        Box::pin(async move { Ok(Self(parse(&bytes.await?)?)) })
    }
}

/// A command as it was sent: its body, and the key under which it may be repeated (ORD-4).
pub struct Sent<T> {
    /// The body.
    pub body: T,
    route: String,
    key: String,
    body_hash: String,
}

impl<T> Sent<T> {
    /// The key, for this actor.
    #[must_use]
    pub fn key(&self, actor: Uuid) -> Key {
        Key {
            actor,
            route: self.route.clone(),
            key: self.key.clone(),
            body_hash: self.body_hash.clone(),
        }
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Sent<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let route = format!("{} {}", request.method(), request.uri());
        let version = header(request, IF_MATCH.as_str()).unwrap_or_default().to_owned();
        let key = header(request, "Idempotency-Key").map(ToOwned::to_owned);
        let bytes = read(request, payload);
        Box::pin(async move {
            let key = key.filter(|k| (1..=KEY_MAX).contains(&k.len()));
            let key = key.filter(|k| k.bytes().all(|b| b.is_ascii_graphic()));
            let key = key.ok_or(General::KeyRequired)?;
            let bytes = bytes.await?;
            let body_hash = digest(&[version.as_bytes(), b"\n", &bytes].concat());
            Ok(Self { body: parse(&bytes)?, route, key, body_hash })
        })
    }
}

/// The version the sender saw (ORD-3).
pub struct IfMatch(pub i64);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(match header(request, IF_MATCH.as_str()) {
            None => Err(General::VersionRequired.into()),
            Some(tag) => tag
                .trim_start_matches("W/")
                .trim_matches('"')
                .parse()
                .map(Self)
                .map_err(|_| malformed("If-Match is the ETag of an order, such as \"3\".")),
        })
    }
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, Problem>> + use<> {
    let most = request.app_data::<web::Data<Edge>>().map(|e| e.settings.http.body_max_bytes);
    let payload = web::Payload::from_request(request, payload).into_inner();
    async move {
        let payload = payload.map_err(malformed)?;
        match payload.to_bytes_limited(most.unwrap_or_default()).await {
            Err(_) => Err(General::TooLarge.into()),
            Ok(Err(error)) => Err(malformed(error)),
            Ok(Ok(bytes)) => Ok(bytes),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(malformed)
}
