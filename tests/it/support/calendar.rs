//! A branch's calendar: blocks, switches and days, and the slots a client sees in it.

use entity::value::Instant;
use serde_json::{Value, json};

use super::ask::{Reply, at};
use super::booking::text;
use super::branch::Branch;
use super::client::Client;

impl Branch {
    /// Blocks a bay for a time.
    pub async fn blocks(&self, bay: &str, from: Instant, until: Instant) -> Reply {
        let body = json!({
            "bay_id": bay, "starts_at": text(from), "ends_at": text(until), "note": "Pump repair",
        });
        self.post("/v1/partner/blocks", body).await
    }

    /// Removes the block.
    pub async fn unblocks(&self, block: &Reply) -> Reply {
        let path = format!("/v1/partner/blocks/{}", block.json["id"].as_str().unwrap());
        self.ask("DELETE", &path).body(json!({})).send().await
    }

    /// Pauses the branch for this many minutes.
    pub async fn pauses(&self, minutes: i64) -> Reply {
        self.post("/v1/partner/pause", json!({"minutes": minutes})).await
    }

    /// Closes the branch until the working day is over.
    pub async fn closes_today(&self) -> Reply {
        self.post("/v1/partner/close-today", json!({})).await
    }

    /// Reopens the branch.
    pub async fn resumes(&self) -> Reply {
        self.post("/v1/partner/resume", json!({})).await
    }

    /// Sets other hours on a date: minutes after local midnight; none means closed.
    pub async fn keeps_day(&self, date: &str, spans: &[(i16, i16)]) -> Reply {
        let span = |(opens, closes): &(i16, i16)| json!({"opens_min": opens, "closes_min": closes});
        let spans: Vec<Value> = spans.iter().map(span).collect();
        let path = format!("/v1/partner/special-days/{date}");
        let body = json!({"spans": spans, "note": "A holiday"});
        self.ask("PUT", &path).body(body).send().await
    }

    /// Restores the weekly hours on a date.
    pub async fn drops_day(&self, date: &str) -> Reply {
        let path = format!("/v1/partner/special-days/{date}");
        self.ask("DELETE", &path).body(json!({})).send().await
    }

    /// Changes a bay.
    pub async fn edits_bay(&self, bay: &str, body: Value) -> Reply {
        self.ask("PATCH", &format!("/v1/partner/bays/{bay}")).body(body).send().await
    }

    /// Changes the branch's settings.
    pub async fn sets(&self, body: Value) -> Reply {
        self.ask("PATCH", "/v1/partner/branch").body(body).send().await
    }

    /// Reads its calendar.
    pub async fn looks_at(&self, date: &str, view: &str) -> Reply {
        self.get(&format!("/v1/partner/calendar?date={date}&view={view}")).await
    }
}

impl Client {
    /// Reads the free slots of a body wash on a local date.
    pub async fn slots(&self, branch: &Branch, date: &str) -> Reply {
        self.slots_for(branch, &format!("date={date}&class=sedan")).await
    }

    /// Reads the free slots of a body wash.
    pub async fn slots_for(&self, branch: &Branch, query: &str) -> Reply {
        let (id, wash) = (&branch.partner_id, branch.service("wash.body"));
        self.get(&format!("/v1/client/partners/{id}/slots?services={wash}&{query}")).await
    }
}

/// The starts in an answer, in Baku's local time: `21 09:30`.
#[track_caller]
pub fn starts(reply: &Reply) -> Vec<String> {
    let slots = reply.ok()["slots"].as_array().unwrap().iter();
    let baku = chrono::FixedOffset::east_opt(4 * 3600).unwrap();
    let shown = |slot: &Value| at(&slot["starts_at"]).with_timezone(&baku).format("%d %H:%M");
    slots.map(|slot| shown(slot).to_string()).collect()
}

/// The conflicting orders in an answer, each with its reason.
#[track_caller]
pub fn conflicts(reply: &Reply) -> Vec<(String, Value)> {
    let found = reply.ok()["conflicts"].as_array().unwrap().iter();
    let named = |c: &Value| (c["order_id"].as_str().unwrap().to_owned(), c["why"].clone());
    found.map(named).collect()
}
