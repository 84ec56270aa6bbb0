//! A session against a scripted node: repetition and renewal.

use crate::http::{ApiError, Request};
use crate::scripted::{Received, Scripted};
use serde_json::{Value, json};

fn busy_then_unauthorised(received: &Received, before: usize) -> (u16, &'static str, &'static str) {
    match before {
        0 => (503, "retry-after: 0\r\n", "{}"),
        1 => (401, "", r#"{"code":"unauthorised"}"#),
        2 if received.header("authorization") == "bearer second" => {
            (200, "idempotency-replayed: true\r\n", r#"{"id":"o"}"#)
        }
        _ => (409, "", r#"{"code":"too_late","detail":"It is over","order":null}"#),
    }
}

#[tokio::test]
async fn a_command_is_repeated_under_one_key_with_a_fresh_token() {
    let node = Scripted::start(busy_then_unauthorised).await;
    let session = node.session().await;
    let request = Request::post("/v1/client/orders", &json!({}));
    let response = session.send(&request).await.unwrap();
    assert!(response.is_replayed);
    assert_eq!(response.read::<Value>().unwrap()["id"], "o");
    let sent = node.received("/orders");
    assert_eq!(sent.len(), 3);
    let key = request.key.as_deref().unwrap();
    assert!(sent.iter().all(|one| one.header("idempotency-key") == key));
    assert_eq!(node.received("/auth/refresh").len(), 1);

    let refused = session.done(&request).await.unwrap_err();
    assert!(matches!(refused, ApiError::Refused(problem) if problem.code == "too_late"));
}

fn pages(received: &Received, _before: usize) -> (u16, &'static str, &'static str) {
    match received.line.split("cursor=").nth(1) {
        None => (200, "", r#"{"items":[1,2],"next_cursor":"b"}"#),
        Some("b") => (200, "", r#"{"items":[3],"next_cursor":"c"}"#),
        Some(_) => (200, "", r#"{"items":[4],"next_cursor":null}"#),
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end_or_to_its_bound() {
    let node = Scripted::start(pages).await;
    let session = node.session().await;
    assert_eq!(session.list::<u8>("/v1/numbers?limit=2", 9).await.unwrap(), [1, 2, 3, 4]);
    assert_eq!(session.list::<u8>("/v1/numbers?limit=2", 2).await.unwrap(), [1, 2, 3]);
}
