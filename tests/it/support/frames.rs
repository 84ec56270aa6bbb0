//! Checks every frame of a feed against `docs/asyncapi.yaml`, in both directions.

use std::sync::LazyLock;

use serde_json::Value;

use super::described::{self, Described};

static ASYNCAPI: LazyLock<Described> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.yaml"));
    Described::new("urn:yumo:asyncapi", serde_saphyr::from_str(text).unwrap())
});

/// Who sends a frame.
#[derive(Clone, Copy, Debug)]
pub enum Sender {
    /// The server, on a socket or as the answer of a long poll.
    Server,
    /// The device.
    Device,
}

/// The pointers to the messages this sender may send.
fn messages(sender: Sender) -> Vec<String> {
    let operation = match sender {
        Sender::Server => "tell",
        Sender::Device => "listen",
    };
    let list = format!("/operations/{operation}/messages");
    let count = ASYNCAPI.document.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len);
    assert!(count > 0, "{list} is empty");
    let named = (0..count).map(|n| ASYNCAPI.place(format!("{list}/{n}")));
    named.map(|message| ASYNCAPI.place(message)).collect()
}

/// What contradicts the document in this frame.
pub fn contradictions(sender: Sender, frame: &Value) -> Vec<String> {
    let of_its_type = |message: &String| {
        ASYNCAPI.document.pointer(&format!("{message}/name")) == Some(&frame["type"])
    };
    let Some(message) = messages(sender).into_iter().find(of_its_type) else {
        return vec![format!("no message of the {sender:?} has the type {}", frame["type"])];
    };
    ASYNCAPI.contradictions(&format!("{message}/payload"), frame)
}

/// Asserts that the document permits a frame that was sent, and that an order in it has the shape
/// the document names.
#[track_caller]
pub fn permitted(sender: Sender, frame: &Value) {
    let mut wrong = contradictions(sender, frame);
    if let Some(order) = frame.pointer("/data/order") {
        wrong.extend(described::contradictions("/components/schemas/OrderView", order));
    }
    assert!(wrong.is_empty(), "{sender:?}: not what docs/asyncapi.yaml says: {wrong:#?}\n{frame}");
}

/// The examples of the document: their sender and their payload.
pub fn examples() -> Vec<(Sender, Value)> {
    let mut found = Vec::new();
    for sender in [Sender::Server, Sender::Device] {
        for message in messages(sender) {
            let examples = ASYNCAPI.document.pointer(&format!("{message}/examples"));
            let examples = examples.and_then(Value::as_array).into_iter().flatten();
            found.extend(examples.map(|example| (sender, example["payload"].clone())));
        }
    }
    found
}
