//! Invalid frames of a device.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::feed_socket::FeedSocket;
use crate::support::frames::{Sender, contradictions, examples};

const NONSENSE: [&str; 10] = [
    "",
    "hello",
    "[]",
    "{}",
    r#"{"type":"hello"}"#,
    r#"{"type":"ack"}"#,
    r#"{"type":"ack","seq":-1}"#,
    r#"{"type":"ack","seq":1.5}"#,
    r#"{"type":"resume","after":"0"}"#,
    r#"{"type":"resume","after":0,"audience":"support"}"#,
];

/// What the server refuses, the document refuses too.
#[test]
fn the_document_refuses_what_the_server_refuses() {
    for text in NONSENSE {
        let Ok(frame) = serde_json::from_str::<Value>(text) else { continue };
        assert!(!contradictions(Sender::Device, &frame).is_empty(), "{text}");
    }
}

/// NOT-6: the examples of the document are what it says, and each of them with one thing wrong is
/// not.
#[test]
fn the_document_refuses_wrong_frames() {
    for (sender, example) in examples() {
        assert_eq!(contradictions(sender, &example), [""; 0], "{example}");
        let other = match sender {
            Sender::Server => Sender::Device,
            Sender::Device => Sender::Server,
        };
        assert!(!contradictions(other, &example).is_empty(), "{other:?}: {example}");
        for name in example.as_object().unwrap().keys() {
            let mut wrong = example.clone();
            wrong[name] = json!([]);
            assert!(!contradictions(sender, &wrong).is_empty(), "{wrong}");
        }
    }
    let event = examples().into_iter().find(|(_, frame)| frame["type"] == "event").unwrap().1;
    for (pointer, value) in [
        ("/event", json!("order.vanished")),
        ("/seq", json!(-1)),
        ("/at", json!("yesterday")),
        ("/data/order/status", json!("lost")),
        ("/data/actor/kind", json!("nobody")),
    ] {
        let mut wrong = event.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!contradictions(Sender::Server, &wrong).is_empty(), "{wrong}");
    }
}

both! {
    /// NOT-6: an unreadable frame gets an answer and changes nothing; the connection stays.
    async fn nonsense_is_answered_and_the_story_goes_on(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let mut line = FeedSocket::open(&anar, "client").await;
        line.resumes(0).await;
        let order = anar.orders(&kristal).await;
        line.numbered(1, 1).await;
        let longest = format!("{}!", " ".repeat(4095));
        for text in NONSENSE.into_iter().chain([longest.as_str()]) {
            line.sends_text(text).await;
            let problem = line.frame().await;
            assert_eq!(
                (&problem["type"], &problem["code"]),
                (&"problem".into(), &"malformed".into()),
                "{text}"
            );
            assert!(
                problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
                "{problem}"
            );
        }
        line.sends(Message::Binary(Bytes::from_static(b"\x00\x01"))).await;
        assert_eq!(line.frame().await["code"], "malformed");
        kristal.declines(&order).await.ok();
        assert_eq!(line.numbered(2, 2).await[0]["event"], "order.declined");
    }

    /// NOT-6: an acknowledgement of an event not yet emitted is refused; earlier ones stay.
    async fn an_acknowledgement_of_the_future_is_refused(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let audience = format!("branch:{}", kristal.partner_id);
        let mut line = FeedSocket::open(&kristal, &audience).await;
        let seq = line.hello["seq"].as_i64().unwrap();
        line.resumes(seq).await;
        line.acks(seq + 1).await;
        let problem = line.frame().await;
        assert_eq!(
            (&problem["type"], &problem["code"]),
            (&"problem".into(), &"not_yet_told".into())
        );
        let order = anar.orders(&kristal).await;
        line.numbered(seq + 1, seq + 1).await;
        assert_eq!(world.support().sees(&order).await.ok()["deliveries"], json!([]));
        kristal.declines(&order).await.ok();
        line.numbered(seq + 2, seq + 2).await;
        assert_eq!(FeedSocket::open(&kristal, &audience).await.hello["acked"], 0);
    }

    /// NOT-6: a frame beyond 4 KiB closes its own socket with 1009, and no other.
    async fn a_frame_too_big_closes_the_socket(world) {
        let anar = world.client("Anar").await;
        let (mut big, mut other) =
            (FeedSocket::open(&anar, "client").await, FeedSocket::open(&anar, "client").await);
        big.sends_text(&"x".repeat(4097)).await;
        assert_eq!(big.closed().await, 1009);
        let mut huge = FeedSocket::open(&anar, "client").await;
        huge.sends_text(&"x".repeat(70_000)).await;
        assert_eq!(huge.closed().await, 1009);
        assert!(other.answers().await);
    }
}
