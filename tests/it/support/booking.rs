//! Bookings: the calendar actions of clients and branches.

use chrono::{DateTime, TimeDelta, Utc};
use entity::value::Instant;
use serde_json::{Value, json};

use super::ask::Reply;
use super::branch::Branch;
use super::client::{Client, Order};

/// An instant in its wire format.
pub fn text(at: Instant) -> Value {
    json!(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

impl Client {
    /// The body of a booking request for a start.
    pub fn booking(&self, branch: &Branch, services: &[&str], start: Instant) -> Value {
        let mut wish = self.wish(branch, services);
        wish["kind"] = json!("booking");
        wish["starts_at"] = text(start);
        wish
    }

    /// A preview of a booking.
    pub async fn previews_booking(
        &self,
        branch: &Branch,
        services: &[&str],
        start: Instant,
    ) -> Reply {
        self.post("/v1/client/orders/preview", self.booking(branch, services, start)).await
    }

    /// Requests a booking at this total.
    pub async fn asks_to_book(
        &self,
        branch: &Branch,
        services: &[&str],
        start: Instant,
        shown: i64,
    ) -> Reply {
        let mut wish = self.booking(branch, services, start);
        wish["shown_total"] = json!(shown);
        self.post("/v1/client/orders", wish).await
    }

    /// Books a body wash (30 minutes, 15.00) at this start.
    pub async fn books(&self, branch: &Branch, start: Instant) -> Order {
        Order::of(&self.asks_to_book(branch, &["wash.body"], start, 1500).await)
    }

    /// Books a body wash, and the branch accepts.
    pub async fn has_booked(&self, branch: &Branch, start: Instant) -> Order {
        let order = self.books(branch, start).await;
        branch.accepts(&order).await.status("confirmed");
        order
    }

    /// Proposes more services, at the quoted total.
    pub async fn proposes_add_on(&self, order: &Order, branch: &Branch, code: &str) -> Reply {
        let path = format!("/v1/client/orders/{}/add-ons", order.id);
        let mut body = json!({"service_ids": [branch.service(code)]});
        let told = self.post(&path, body.clone()).await;
        if told.json["code"] != "price_changed" {
            return told;
        }
        body["shown_total"] = told.json["total"]["amount"].clone();
        self.post(&path, body).await
    }

    /// Proposes another start.
    pub async fn proposes_start(&self, order: &Order, start: Instant) -> Reply {
        let body = json!({"starts_at": text(start)});
        self.post(&format!("/v1/client/orders/{}/reschedule", order.id), body).await
    }

    /// Answers a proposal: `add-ons` or `reschedule`, `accept` or `decline`.
    pub async fn answers(&self, order: &Order, what: &str, verb: &str) -> Reply {
        let seen = self.sees(order).await;
        let id = proposal(&seen);
        let path = format!("/v1/client/orders/{}/{what}/{id}/{verb}", order.id);
        self.ask("POST", &path).seen(seen.etag.unwrap()).body(json!({})).send().await
    }
}

impl Branch {
    /// Adds a bay; returns its id.
    pub async fn adds_bay(&self, name: &str, kind: &str) -> String {
        let reply = self.post("/v1/partner/bays", json!({"name": name, "kind": kind})).await;
        reply.ok()["id"].as_str().unwrap().to_owned()
    }

    /// Sets these hours for every day, minutes after local midnight.
    pub async fn keeps_hours(&self, spans: &[(i16, i16)]) -> Reply {
        let day = |weekday: i16| {
            spans.iter().map(move |(from, until)| {
                json!({"weekday": weekday, "opens_min": from, "closes_min": until})
            })
        };
        let weekly: Vec<Value> = (1..=7).flat_map(day).collect();
        self.ask("PUT", "/v1/partner/schedule").body(json!({"weekly": weekly})).send().await
    }

    /// Proposes another start.
    pub async fn proposes_start(&self, order: &Order, start: Instant) -> Reply {
        let body = json!({"starts_at": text(start)});
        self.post(&format!("/v1/partner/orders/{}/reschedule", order.id), body).await
    }

    /// Answers a proposal: `add-ons` or `reschedule`, `accept` or `decline`.
    pub async fn answers(&self, order: &Order, what: &str, verb: &str) -> Reply {
        let seen = self.sees(order).await;
        let id = proposal(&seen);
        let path = format!("/v1/partner/orders/{}/{what}/{id}/{verb}", order.id);
        self.ask("POST", &path).seen(seen.etag.unwrap()).body(json!({})).send().await
    }

    /// Accepts a quick order with an override although no bay is free.
    pub async fn overbooks(&self, order: &Order) -> Reply {
        let version = self.sees(order).await.etag.unwrap();
        let path = format!("/v1/partner/orders/{}/accept", order.id);
        self.ask("POST", &path).seen(version).body(json!({"override": true})).send().await
    }
}

/// The id of the proposal; an unused id if there is none.
fn proposal(seen: &Reply) -> String {
    let id = seen.json["proposal"]["id"].as_str();
    id.unwrap_or("019a0000-0000-7000-8000-00000000000f").to_owned()
}

/// The starts named in a refusal.
pub fn alternatives(problem: &Value) -> Vec<DateTime<Utc>> {
    let of = |slot: &Value| super::ask::at(&slot["starts_at"]);
    problem["alternatives"].as_array().expect("alternatives").iter().map(of).collect()
}

/// This many hours.
pub fn hours(n: i64) -> TimeDelta {
    TimeDelta::hours(n)
}
