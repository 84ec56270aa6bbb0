//! People with a phone and a signed-in device, support among them.

use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{Ask, Reply};
use super::client::Order;
use super::feed::Feed;
use super::scene::Scene;

/// A person on one device.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub struct Person {
    /// The world they belong to.
    pub scene: Arc<Scene>,
    /// Their name in the test.
    pub name: String,
    /// Their phone number.
    pub phone: String,
    /// The device's access token; empty before signing in.
    pub token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The device's session.
    pub session_id: String,
    /// Their id.
    pub person_id: String,
}

impl Person {
    /// A person whose device is not signed in.
    pub fn stranger(scene: &Arc<Scene>, name: &str, phone: &str) -> Self {
        Self {
            scene: Arc::clone(scene),
            name: name.to_owned(),
            phone: phone.to_owned(),
            token: String::new(),
            refresh_token: String::new(),
            session_id: String::new(),
            person_id: String::new(),
        }
    }

    /// A new person, signed in by a one-time code.
    pub async fn signs_in(scene: &Arc<Scene>, name: &str, phone: &str) -> Self {
        let mut person = Self::stranger(scene, name, phone);
        person.post("/v1/auth/otp", json!({"phone": phone})).await.ok();
        let code = scene.mailbox.take(phone);
        let (device, device_id) = (format!("{name}'s phone"), Uuid::new_v4());
        let body = json!({"phone": phone, "code": code, "device": device, "device_id": device_id});
        let tokens = person.post("/v1/auth/sessions", body).await;
        person.takes(tokens.ok());
        person
    }

    /// The same person on another device.
    pub async fn second_device(&self) -> Self {
        let name = format!("{} (second device)", self.name);
        Self::signs_in(&self.scene, &name, &self.phone).await
    }

    /// Stores the tokens of an answer.
    pub fn takes(&mut self, tokens: &Value) {
        let text = |field: &str| tokens[field].as_str().unwrap().to_owned();
        self.token = text("access_token");
        self.refresh_token = text("refresh_token");
        self.session_id = text("session_id");
        self.person_id = text("person_id");
    }

    /// Starts a request.
    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask::new(self, method, path)
    }

    /// Reads a path.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    /// Sends a command under a fresh key.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask("POST", path).body(body).send().await
    }

    /// Follows a feed from its current position.
    pub async fn follows_feed(&self, audience: &str) -> Feed {
        let mut feed = Feed::open(self, audience).await;
        let newest = feed.hello["seq"].as_i64().unwrap();
        feed.resumes(newest).await;
        feed
    }
}

/// A member of the operator's staff.
#[derive(Clone)]
pub struct Support(pub Person);

impl Deref for Support {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.0
    }
}

impl Support {
    /// Puts money on a branch's balance.
    pub async fn credits(&self, partner_id: &str, amount: i64) -> Reply {
        let path = format!("/v1/support/partners/{partner_id}/credits");
        let receipt = "Cash at the office";
        let body =
            json!({"amount": amount, "reason": "Top-up", "receipt": receipt, "confirm": true});
        self.post(&path, body).await
    }

    /// An order with all its details.
    pub async fn sees(&self, order: &Order) -> Reply {
        self.get(&format!("/v1/support/orders/{}", order.id)).await
    }

    /// Adjusts an order at its current version.
    pub async fn adjusts(&self, order: &Order, act: &str, amount: Option<i64>) -> Reply {
        let version = self.sees(order).await.ok()["order"]["version"].as_i64().unwrap();
        let mut body = json!({"act": act, "reason": "It was agreed on the phone"});
        if let Some(amount) = amount {
            body["final_amount"] = json!(amount);
        }
        let path = format!("/v1/support/orders/{}/adjust", order.id);
        self.ask("POST", &path).body(body).seen(version).send().await
    }

    /// Runs the proof of the books.
    pub async fn proof(&self) -> Reply {
        self.get("/v1/support/proof").await
    }

    /// The outages, newest first.
    pub async fn outages(&self) -> Reply {
        self.get("/v1/support/outages").await
    }

    /// Follows support's queue of orders.
    pub async fn follows(&self) -> Feed {
        self.watches("orders").await
    }

    /// Follows one of support's queues.
    pub async fn watches(&self, queue: &str) -> Feed {
        self.follows_feed(&format!("support:{queue}")).await
    }
}
