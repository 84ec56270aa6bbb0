//! Extractors of a request: a strictly parsed body, the idempotency key, the version the sender
//! saw.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, IF_MATCH};
use actix_web::{FromRequest, HttpRequest, web};
use entity::value::fold::is_mark;
use entity::value::sealed::SEALED_PREFIX;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::guard::wrong;
use super::problem::{Problem, malformed};
use crate::api::Edge;
use platform::codes::General;
use platform::crypto::digest;
use platform::engine::idempotency::Key;
use platform::{By, Fault};

/// The longest key.
const KEY_MAX: usize = 64;

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A body without an idempotency key, for routes that execute no command.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(request, payload);
        Box::pin(async move { Ok(Self(parse(&bytes.await?)?)) })
    }
}

/// The raw bytes of a body, over which a provider's signature is computed.
pub struct Raw(pub web::Bytes);

impl FromRequest for Raw {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read(request, payload);
        Box::pin(async move { Ok(Self(bytes.await?)) })
    }
}

/// A command's request: its body, and its idempotency key (ORD-4).
pub struct Request<T> {
    /// The body.
    pub body: T,
    route: String,
    key: String,
    body_hash: String,
}

/// The key of a request, before it is known whose it is.
pub struct SentKey {
    route: String,
    key: String,
    body_hash: String,
}

impl SentKey {
    /// The key of this actor: two people may send the same one.
    #[must_use]
    pub fn of(self, by: By) -> Key {
        let actor = by.person_id.map(|id| id.0).unwrap_or_default();
        Key { actor, route: self.route, key: self.key, body_hash: self.body_hash }
    }
}

impl<T> Request<T> {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> SentKey {
        let (route, key) = (self.route.clone(), self.key.clone());
        SentKey { route, key, body_hash: self.body_hash.clone() }
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Request<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let route = format!("{} {}", request.method(), request.uri());
        let version = seen(request);
        let key = single_header(request, "Idempotency-Key").map(|key| key.map(ToOwned::to_owned));
        let keys = request.app_data::<web::Data<Edge>>().map(|edge| Arc::clone(&edge.keys));
        let bytes = read(request, payload);
        let request = request.clone();
        let reading = async move {
            let keys = keys.ok_or_else(|| Fault::Other("the edge was never shared".to_owned()))?;
            let version = version?.map(|IfMatch(version)| version.to_string()).unwrap_or_default();
            let key = key?.filter(|k| (1..=KEY_MAX).contains(&k.len()));
            let key = key.filter(|k| k.bytes().all(|b| b.is_ascii_graphic()));
            let key = key.ok_or(General::KeyRequired)?;
            let bytes = bytes.await?;
            // A keyed hash: a body may hold a phone or a plate, which could be guessed from a plain
            // hash.
            let body = digest(&[version.as_bytes(), b"\n", &bytes].concat());
            let body_hash = keys.lookup("body", &body);
            Ok(Self { body: parse(&bytes)?, route, key, body_hash })
        };
        Box::pin(permitted_first(request, reading))
    }
}

/// Only a caller with the permission learns what is wrong with the request.
async fn permitted_first<T>(
    request: HttpRequest,
    reading: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    match reading.await {
        Ok(read) => Ok(read),
        Err(problem) => Err(wrong(&request, problem).await.unwrap_or_else(|refused| refused)),
    }
}

/// The version the sender saw (ORD-3).
pub struct IfMatch(pub i64);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let seen = seen(request).and_then(|seen| seen.ok_or(General::VersionRequired.into()));
        Box::pin(permitted_first(request.clone(), std::future::ready(seen)))
    }
}

/// The version the sender saw, if it named one. A cache or a compressing proxy may have made the
/// entity tag a weak one; the version is the same.
fn seen(request: &HttpRequest) -> Result<Option<IfMatch>, Problem> {
    let Some(tag) = single_header(request, IF_MATCH.as_str())? else { return Ok(None) };
    let tag = tag.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let version = quoted.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    match version.unwrap_or(quoted).parse() {
        Ok(version) => Ok(Some(IfMatch(version))),
        Err(_) => Err(malformed(
            "If-Match is one ETag as the order was answered with, such as \"3\"; a list or * names no \
             version.",
        )),
    }
}

/// A header that may be sent at most once.
fn single_header<'r>(request: &'r HttpRequest, name: &str) -> Result<Option<&'r str>, Problem> {
    let mut values = request.headers().get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed(format!("{name} is sent twice; send it once.")));
    }
    // A value that is not text counts as absent.
    Ok(first.and_then(|value| value.to_str().ok()))
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, Problem>> + use<> {
    let http = request.app_data::<web::Data<Edge>>().map(|edge| edge.settings.http.clone());
    let declared = header(request, CONTENT_LENGTH.as_str()).and_then(|n| n.parse::<usize>().ok());
    let payload = web::Payload::from_request(request, payload).into_inner();
    async move {
        let http = http.ok_or_else(|| Fault::Other("the edge was never shared".to_owned()))?;
        if declared.is_some_and(|bytes| bytes > http.body_max_bytes) {
            return Err(General::TooLarge.into());
        }
        let whole = payload.map_err(malformed)?.to_bytes_limited(http.body_max_bytes);
        match tokio::time::timeout(Duration::from_secs(http.body_timeout_s), whole).await {
            Err(_) => Err(General::BodyTooSlow.into()),
            Ok(Err(_)) => Err(General::TooLarge.into()),
            Ok(Ok(Err(error))) => Err(malformed(error)),
            Ok(Ok(Ok(bytes))) => Ok(bytes),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("A body is one JSON object."));
    }
    if names_nul(bytes) {
        return Err(malformed("No text holds the character U+0000."));
    }
    if let Some(pointer) = sealed_at(bytes) {
        return Err(General::TextReserved.refused().at(pointer).into());
    }
    // JSON knows no integers: 5.0 is 5.
    let whole = || serde_json::from_slice(&whole_numbers(bytes));
    serde_json::from_slice(bytes).or_else(|error| whole().map_err(|_| malformed(error)))
}

/// The same JSON with numbers such as `5.0` written as integers. It works on the text, so that
/// whatever else is wrong with the body, a repeated key for instance, is refused as before.
fn whole_numbers(json: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(json.len());
    let (mut rest, mut in_string, mut escaped) = (json, false, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'.' {
            let (_, tail) = after.split_at(after.iter().take_while(|b| **b == b'0').count());
            let goes_on = tail.first().is_some_and(|b| b.is_ascii_digit() || b"eE".contains(b));
            if tail.len() < after.len() && !goes_on {
                rest = tail;
                continue;
            }
        } else {
            in_string = byte == b'"';
        }
        written.push(byte);
    }
    written
}

/// Where a text of this JSON begins as sealed data does (ACC-5). Such a text would only be
/// somebody's own words, and is refused so that nobody ever takes it for more.
fn sealed_at(json: &[u8]) -> Option<String> {
    let holds = |needle: &[u8]| json.windows(needle.len()).any(|window| window == needle);
    // An escaped letter can spell the prefix, too.
    let perhaps = holds(b"ealed:") || holds(b"\\u");
    let value: Value = serde_json::from_slice(json).ok().filter(|_| perhaps)?;
    begins_sealed(&value, "")
}

/// The pointer to the first such text of a value that stands here.
fn begins_sealed(value: &Value, here: &str) -> Option<String> {
    let sealed = |text: &str| {
        let skipped = |c: char| c.is_whitespace() || is_mark(c);
        text.trim_start_matches(skipped).starts_with(SEALED_PREFIX)
    };
    match value {
        Value::String(text) => sealed(text).then(|| here.to_owned()),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(n, item)| begins_sealed(item, &format!("{here}/{n}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let there = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
            if sealed(name) { Some(there) } else { begins_sealed(value, &there) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a string of this JSON contains U+0000, which PostgreSQL cannot store.
fn names_nul(json: &[u8]) -> bool {
    const NUL: &[u8] = br"\u0000";
    json.windows(NUL.len()).enumerate().filter(|(_, window)| *window == NUL).any(|(at, _)| {
        let before = json.get(..at).unwrap_or_default();
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    })
}

/// A body without content: `{}` or nothing.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    /// ACC-5: a text that starts like sealed data is found, however it is escaped.
    #[test]
    fn acc_5_sealed_texts_are_found_however_they_are_spelt() {
        for json in [
            r#"{"a":"sealed:v2:k1:AAAA"}"#,
            r#"{"a":{"b":["x","  sealed:k1:AAAA"]}}"#,
            r#"{"a":"\u0073ealed:k1:AAAA"}"#,
            r#"{"sealed:a":1}"#,
        ] {
            assert!(sealed_at(json.as_bytes()).is_some(), "{json}");
        }
        for json in [r#"{"a":"It was sealed: with tape"}"#, r#"{"a":"\u0041"}"#, "{}", ""] {
            assert!(sealed_at(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn a_nul_is_found_and_a_backslash_is_not_one() {
        for json in [r#""\u0000""#, r#""a\\\u0000""#] {
            assert!(names_nul(json.as_bytes()), "{json}");
        }
        for json in [r#""\\u0000""#, r#""\u0001""#, "", "{}"] {
            assert!(!names_nul(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_zeros() {
        let whole = |json: &str| String::from_utf8(whole_numbers(json.as_bytes())).unwrap();
        assert_eq!(whole(r#"{"a":5.0,"b":[-1.00]}"#), r#"{"a":5,"b":[-1]}"#);
        for same in [r#"{"a":"5.0 \" 6.0"}"#, r#"{"a":5.05,"b":1.0e3}"#, "[5.]"] {
            assert_eq!(whole(same), same);
        }
    }
}
