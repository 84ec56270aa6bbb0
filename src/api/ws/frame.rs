//! Frames: the JSON messages of a socket, also used by long polling over HTTP. The payload of an
//! event is passed through as text.

use std::sync::Arc;

use chrono::SecondsFormat;
use entity::feed_event;
use entity::value::{Instant, SessionId};
use serde::Deserialize;
use serde_json::json;

use super::reader;
use crate::access::Principal;
use crate::api::http::redact::without_money;
use crate::notifications::follow::Behind;
use platform::crypto::Keys;
use platform::{Audience, Refused};

/// Where events written before texts were bound to column and row hold personal data.
const OLDER_TEXTS: [&str; 2] = ["/order/client/name", "/order/car/plate"];

/// A message from a device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeviceFrame {
    /// Resume after this number.
    Resume {
        /// The number; 0 for the beginning.
        after: i64,
        /// The epoch the number belongs to.
        epoch: Option<String>,
    },
    /// Acknowledge everything up to this number.
    Ack {
        /// The number.
        seq: i64,
        /// The epoch the number belongs to.
        epoch: Option<String>,
    },
    /// Renew the socket's access with a new access token (LIM-8).
    Renew {
        /// The token.
        token: String,
    },
}

/// Parses a message from a device.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<DeviceFrame, String> {
    let said = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match said {
        DeviceFrame::Resume { after: number, .. } | DeviceFrame::Ack { seq: number, .. }
            if number < 0 =>
        {
            Err("numbers begin at 0".to_owned())
        }
        DeviceFrame::Resume { .. } | DeviceFrame::Ack { .. } | DeviceFrame::Renew { .. } => {
            Ok(said)
        }
    }
}

/// The state of a feed at the start of a connection.
pub struct Hello {
    /// The audience of the feed.
    pub audience: Audience,
    /// The device.
    pub session_id: SessionId,
    /// The epoch the numbers belong to.
    pub epoch: Arc<str>,
    /// The newest number.
    pub seq: i64,
    /// How far the device has acknowledged.
    pub acked: i64,
    /// Seconds between pings.
    pub heartbeat_s: u64,
    /// When the access token expires; it can be renewed until a little later.
    pub expires_at: Instant,
}

impl Hello {
    /// The first frame of a connection.
    #[must_use]
    pub fn frame(&self, now: Instant) -> String {
        json!({
            "type": "hello",
            "audience": self.audience.to_string(),
            "session_id": self.session_id,
            "epoch": &*self.epoch,
            "seq": self.seq,
            "acked": self.acked,
            "heartbeat_s": self.heartbeat_s,
            "expires_at": self.expires_at,
            "server_now": now,
        })
        .to_string()
    }
}

/// An event as this subscriber may see it.
#[must_use]
pub fn event(
    event: &feed_event::Model,
    principal: &Principal,
    audience: &Audience,
    keys: &Keys,
    now: Instant,
) -> String {
    let feed_event::Model { seq, id, kind, .. } = event;
    if event.payload.is_empty() || !reader::may_read(principal, audience, kind) {
        return format!(r#"{{"type":"blank","seq":{seq}}}"#);
    }
    let own = event.session_id == Some(principal.session_id);
    let (at, now) = (instant(event.at), instant(now));
    let data = keys.open_older_json(&event.payload, &OLDER_TEXTS);
    let data = if reader::money(principal, audience) { data } else { bare(data) };
    format!(
        r#"{{"type":"event","seq":{seq},"id":"{id}","event":"{kind}","at":"{at}","server_now":"{now}","own":{own},"data":{data}}}"#
    )
}

/// The data of an event without the branch's amounts of money.
fn bare(data: String) -> String {
    let Ok(mut value) = serde_json::from_str(&data) else { return data };
    without_money(&mut value);
    value.to_string()
}

/// The subscriber's number is too old, or higher than the newest one: it needs a snapshot.
#[must_use]
pub fn snapshot_needed(behind: Behind) -> String {
    let Behind { oldest, newest } = behind;
    format!(r#"{{"type":"snapshot_needed","oldest":{oldest},"seq":{newest}}}"#)
}

/// The socket stays open until this new access token expires.
#[must_use]
pub fn renewed(expires_at: Instant, now: Instant) -> String {
    json!({"type": "renewed", "expires_at": expires_at, "server_now": now}).to_string()
}

/// A frame was refused.
#[must_use]
pub fn problem(refused: &Refused) -> String {
    let mut body = json!({"type": "problem", "code": refused.code, "detail": refused.detail});
    if let (Some(after), Some(body)) = (refused.with.get("retry_after_s"), body.as_object_mut()) {
        body.insert("retry_after_s".to_owned(), after.clone());
    }
    body.to_string()
}

/// An instant in the format chrono uses for JSON.
#[must_use]
pub fn instant(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_is_read_strictly() {
        let resume = |epoch| Ok(DeviceFrame::Resume { after: 0, epoch });
        assert_eq!(read(r#"{"type":"resume","after":0}"#), resume(None));
        let named = read(r#"{"type":"resume","after":0,"epoch":"a"}"#);
        assert_eq!(named, resume(Some("a".to_owned())));
        assert_eq!(
            read(r#"{"seq":18,"type":"ack"}"#),
            Ok(DeviceFrame::Ack { seq: 18, epoch: None })
        );
        let renew = DeviceFrame::Renew { token: "a.b.c".to_owned() };
        assert_eq!(read(r#"{"type":"renew","token":"a.b.c"}"#), Ok(renew));
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"type":"hello"}"#,
            r#"{"type":"ack"}"#,
            r#"{"type":"ack","seq":-1}"#,
            r#"{"type":"ack","seq":1.5}"#,
            r#"{"type":"resume","after":1,"audience":"support"}"#,
            r#"{"type":"resume","after":1,"epoch":1}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
