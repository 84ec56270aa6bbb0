//! A client with a car: the actions of car owners.

use std::ops::Deref;

use serde_json::{Value, json};

use super::ask::{Reply, at, seconds};
use super::branch::Branch;
use super::feed::Feed;
use super::people::Person;
use super::world::World;

/// An order, by its id.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The answer to placing.
    pub placed: Value,
}

impl Order {
    /// The order in an answer.
    #[track_caller]
    pub fn of(reply: &Reply) -> Self {
        let placed = reply.ok().clone();
        Self { id: placed["id"].as_str().unwrap().to_owned(), placed }
    }
}

/// A client.
#[derive(Clone)]
pub struct Client {
    /// The person.
    pub person: Person,
    /// Their car.
    pub car_id: String,
}

impl Deref for Client {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.person
    }
}

impl Client {
    /// Adds a car of a class.
    pub async fn buys(person: Person, class: &str) -> Self {
        let plate = format!("10-AA-{:03}", person.scene.number());
        let body = json!({"plate": plate, "make": "Kia Rio", "class": class});
        let car = person.post("/v1/client/cars", body).await;
        let car_id = car.ok()["id"].as_str().unwrap().to_owned();
        Self { person, car_id }
    }

    /// The same client with one more car.
    pub async fn with_another(&self, class: &str) -> Self {
        Self::buys(self.person.clone(), class).await
    }

    /// The body of placing: these services at this branch, from 5004 m south of it.
    pub fn wish(&self, branch: &Branch, services: &[&str]) -> Value {
        let ids: Vec<&str> = services.iter().map(|code| branch.service(code)).collect();
        json!({
            "kind": "quick",
            "partner_id": branch.partner_id,
            "car_id": self.car_id,
            "service_ids": ids,
            "origin": branch.origin(),
        })
    }

    /// A preview.
    pub async fn previews(&self, branch: &Branch, services: &[&str]) -> Reply {
        self.post("/v1/client/orders/preview", self.wish(branch, services)).await
    }

    /// Places an order at this shown total.
    pub async fn places(&self, branch: &Branch, services: &[&str], shown: i64) -> Reply {
        let mut wish = self.wish(branch, services);
        wish["shown_total"] = json!(shown);
        self.post("/v1/client/orders", wish).await
    }

    /// Reads the price of these services and places at it, whatever the outcome.
    pub async fn tries(&self, branch: &Branch, services: &[&str]) -> Reply {
        let preview = self.previews(branch, services).await;
        if preview.status != 200 {
            return preview;
        }
        self.places(branch, services, preview.money("total")).await
    }

    /// Orders these services.
    pub async fn orders_services(&self, branch: &Branch, services: &[&str]) -> Order {
        Order::of(&self.tries(branch, services).await)
    }

    /// Orders a body wash (15.00 for a sedan).
    pub async fn orders(&self, branch: &Branch) -> Order {
        self.orders_services(branch, &["wash.body"]).await
    }

    async fn does(&self, order: &Order, verb: &str, body: Value) -> Reply {
        self.post(&format!("/v1/client/orders/{}/{verb}", order.id), body).await
    }

    /// The order as the client sees it.
    pub async fn sees(&self, order: &Order) -> Reply {
        self.get(&format!("/v1/client/orders/{}", order.id)).await
    }

    /// Departs ("В путь").
    pub async fn departs(&self, order: &Order) -> Reply {
        self.does(order, "depart", json!({})).await
    }

    /// Sends a position.
    pub async fn sends_position(&self, order: &Order, lat: f64, lon: f64, accuracy: i32) -> Reply {
        let body = json!({"lat": lat, "lon": lon, "accuracy_m": accuracy});
        self.does(order, "positions", body).await
    }

    /// Sends an exact position at the branch.
    pub async fn is_at(&self, order: &Order, branch: &Branch) -> Reply {
        self.sends_position(order, branch.lat, branch.lon, 20).await
    }

    /// Lets two minutes pass since placing, then sends two different positions at the branch, five
    /// seconds apart: that is an arrival (ARR-1, LIM-3).
    pub async fn drives_to(&self, world: &World, order: &Order, branch: &Branch) -> Reply {
        let there = at(&order.placed["placed_at"]) + seconds(120);
        world.until(there.max(world.now())).await;
        self.is_at(order, branch).await.ok();
        world.advance(seconds(5)).await;
        self.is_beside(order, branch).await
    }

    /// Sends an exact position eleven metres north of the branch.
    pub async fn is_beside(&self, order: &Order, branch: &Branch) -> Reply {
        self.sends_position(order, branch.lat + 0.0001, branch.lon, 20).await
    }

    /// Enters the code shown at the branch.
    pub async fn arrives_by_code(&self, order: &Order, code: &str) -> Reply {
        self.does(order, "arrive", json!({"code": code})).await
    }

    /// Reads the current cost of cancelling.
    pub async fn quote(&self, order: &Order) -> Reply {
        self.get(&format!("/v1/client/orders/{}/cancellation-quote", order.id)).await
    }

    /// Cancels the order.
    pub async fn cancels(&self, order: &Order) -> Reply {
        self.does(order, "cancel", json!({})).await
    }

    /// Cancels the order at the quoted fee.
    pub async fn cancels_with(&self, order: &Order, token: &str) -> Reply {
        self.does(order, "cancel", json!({"quote": token})).await
    }

    /// "I am not there."
    pub async fn contests(&self, order: &Order) -> Reply {
        self.does(order, "contest", json!({})).await
    }

    /// The alternatives to a declined order.
    pub async fn alternatives(&self, order: &Order) -> Reply {
        self.get(&format!("/v1/client/orders/{}/alternatives", order.id)).await
    }

    /// The client's penalties.
    pub async fn penalties(&self) -> Reply {
        self.get("/v1/client/penalties").await
    }

    /// Follows the client's feed from its current position.
    pub async fn follows(&self) -> Feed {
        self.follows_feed("client").await
    }
}
