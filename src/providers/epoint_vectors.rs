//! Epoint's own test vectors: the signature of a request and of a callback (BAL-5).

use entity::value::PaymentId;
use serde_json::json;
use uuid::Uuid;

use super::*;

const KEY: &str = "d3hjsl59vs0kzp";
const DATA: &str = "eyJwdWJsaWNfa2V5IjoiaTAwMDAwMDAwMSIsImFtb3VudCI6IjUwLjAwIiwiY3VycmVuY3kiOiJBWk4iLCJsYW5ndWFnZSI6ImF6Iiwib3JkZXJfaWQiOiJ0b3B1cC0xIiwiZGVzY3JpcHRpb24iOiJZdW1vIEJhbGFuY2UifQ==";
const CALLBACK: &str = "eyJvcmRlcl9pZCI6InRvcHVwLTEiLCJzdGF0dXMiOiJzdWNjZXNzIiwiY29kZSI6IjAwMCIsIm1lc3NhZ2UiOiJBcHByb3ZlZCIsInRyYW5zYWN0aW9uIjoidGUwMDAwMDAwMDAxIiwiYmFua190cmFuc2FjdGlvbiI6IjhhOWMiLCJiYW5rX3Jlc3BvbnNlIjoiUkVTVUxUOiBPSyIsIm9wZXJhdGlvbl9jb2RlIjoiMTAwIiwicnJuIjoiMTIzNDU2Nzg5MDEyIiwiY2FyZF9tYXNrIjoiNTE2OTg4KioqKioqMDAwMCIsImNhcmRfbmFtZSI6IlRFU1QiLCJhbW91bnQiOjUwLjAsIm90aGVyX2F0dHIiOm51bGx9";

fn epoint() -> Epoint {
    let key = platform::crypto::fresh_key().unwrap();
    let sealing = std::collections::BTreeMap::from([("1".to_owned(), key.clone())]);
    let keys = Arc::new(Keys::new(&sealing, "1", &key, &key).unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    Epoint {
        line: ProviderClient::to("http://127.0.0.1:1", 1).unwrap(),
        public_key: "i000000001".to_owned(),
        private_key: KEY.to_owned(),
        language: "az".to_owned(),
        return_url: None,
        keys,
    }
}

/// BAL-5: a request is byte for byte the one Epoint's own client sends.
#[test]
fn bal_5_a_request_is_signed_as_epoint_signs() {
    let epoint = epoint();
    let data = Data {
        amount: Some(decimal(Money(5000))),
        currency: Some("AZN"),
        language: Some("az"),
        order_id: Some("topup-1".to_owned()),
        description: Some("Yumo Balance"),
        ..epoint.data()
    };
    let signed = epoint.signed(&data).unwrap();
    assert_eq!(signed.data, DATA);
    assert_eq!(signed.signature, "uEH8ZnYYExZxa1U0tPO6V3kxhjg=");
}

/// BAL-5: a callback is accepted only with a valid signature over its raw data.
#[test]
fn bal_5_a_callback_is_verified_on_its_raw_bytes() {
    let epoint = epoint();
    assert_eq!(signature(KEY, CALLBACK), "TnBTVuxX4hEQqo0l7ttSqhpgJ+c=");
    let form = |signature: &str| format!("data={CALLBACK}&signature={signature}");
    let hint = epoint.callback(form("TnBTVuxX4hEQqo0l7ttSqhpgJ%2Bc%3D").as_bytes()).unwrap();
    assert_eq!((hint.payment_id, hint.reference.as_deref()), (None, Some("te0000000001")));
    let forged = form("TnBTVuxX4hEQqo0l7ttSqhpgJ%2Bd%3D");
    assert_eq!(epoint.callback(forged.as_bytes()), Err(Untrusted::Forged));
    assert_eq!(epoint.callback(b"data=e30="), Err(Untrusted::Unreadable));
    assert_eq!(epoint.callback(b"\xff"), Err(Untrusted::Unreadable));
    let other = format!("data=e30%3D&signature={}", "TnBTVuxX4hEQqo0l7ttSqhpgJ%2Bc%3D");
    assert_eq!(epoint.callback(other.as_bytes()), Err(Untrusted::Forged));
}

/// BAL-5: the meaning of every status Epoint has, and of unknown ones.
#[test]
fn bal_5_what_epoint_says() {
    let id = PaymentId(Uuid::nil());
    let named = PaymentRef { payment_id: id, reference: Some("te1".to_owned()) };
    let says = |json: Value| seen(&json, &named);
    let foreign = json!({"status": "success", "amount": "7.00", "currency": "USD"});
    assert_eq!(says(foreign), PaymentStatus::Unknown("paid in USD".to_owned()));
    let paid = json!({"status": "success", "amount": 50.0, "transaction": "te1"});
    let reference = Some("te1".to_owned());
    assert_eq!(says(paid), PaymentStatus::Paid { amount: Money(5000), reference });
    let of = |status: &str| says(json!({"status": status, "transaction": "te1", "message": "m"}));
    assert_eq!(of("new"), PaymentStatus::Pending);
    assert_eq!(of("failed"), PaymentStatus::Failed("m".to_owned()));
    assert_eq!(of("error"), PaymentStatus::Failed("m".to_owned()));
    assert_eq!(of("returned"), PaymentStatus::Touched);
    assert_eq!(of("server_error"), PaymentStatus::Pending);
    assert!(matches!(of("success"), PaymentStatus::Unknown(_)));
    assert!(matches!(of("settled"), PaymentStatus::Unknown(_)));
    assert!(matches!(says(Value::Null), PaymentStatus::Unknown(_)));
    assert_eq!(says(json!({"status": "error", "message": "no such order"})), PaymentStatus::Absent);
    let other = json!({"status": "success", "amount": "50.00", "transaction": "te2"});
    assert!(matches!(says(other), PaymentStatus::Unknown(_)));
    let other = json!({"status": "success", "amount": "50.00", "order_id": "topup-1"});
    assert!(matches!(says(other), PaymentStatus::Unknown(_)));
}
