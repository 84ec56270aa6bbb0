//! A follower against a scripted node that opens no socket.

use super::{Audience, Follower, FollowerEvent, Start};
use crate::scripted::{Received, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;

const EVENTS: &str = r#"{"epoch":"e","snapshot_needed":false,"events":[
    {"type":"event","seq":5,"id":"a","event":"order.expired","at":"2026-11-27T10:00:00Z",
     "server_now":"2026-11-27T10:00:01Z","data":{}},
    {"type":"blank","seq":6}]}"#;
const NOTHING: &str = r#"{"epoch":"e","snapshot_needed":false,"events":[]}"#;

fn without_sockets(received: &Received, _before: usize) -> (u16, &'static str, &'static str) {
    let path = received.line.split(' ').nth(1).unwrap_or_default();
    match path.split_once('?').map_or(path, |(path, _)| path) {
        "/v1/feed" => (429, "", "{}"),
        "/v1/feed/snapshot" => (200, "", r#"{"epoch":"e","seq":4,"orders":[]}"#),
        "/v1/feed/events" if path.contains("after=4&") => (200, "", EVENTS),
        "/v1/feed/events" => (503, "retry-after: 1\r\n", NOTHING),
        "/v1/feed/ack" => (204, "", ""),
        _ => (404, "", "{}"),
    }
}

#[tokio::test]
async fn where_no_socket_opens_the_feed_is_polled() {
    let node = Scripted::start(without_sockets).await;
    let session = Arc::new(node.session().await);
    let (sink, mut events) = mpsc::channel(8);
    let follower = Follower::new(session, &Audience::Client, Start::Snapshot, sink);
    let reached = follower.reached();
    let following = tokio::spawn(follower.follow());
    let Some(FollowerEvent::Snapshot(orders)) = events.recv().await else { panic!("no snapshot") };
    assert!(orders.is_empty());
    let Some(FollowerEvent::Event(received)) = events.recv().await else { panic!("no event") };
    assert_eq!((received.event.seq, received.event.event.as_str()), (5, "order.expired"));
    while node.received("/v1/feed/ack").is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.received("GET /v1/feed?").len(), 3, "the handshakes before");
    let acked: Value = serde_json::from_str(&node.received("/v1/feed/ack")[0].body).unwrap();
    assert_eq!(acked, json!({"audience": "client", "seq": 6, "epoch": "e"}));
    assert_eq!(reached.load(std::sync::atomic::Ordering::Relaxed), 6);
    assert!(node.violations.lock().unwrap().is_empty());
    following.abort();
}
