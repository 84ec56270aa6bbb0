//! Orders as support sees them, and the invariants every order must satisfy.

use std::collections::{BTreeSet, HashMap};
use std::process::Output;

use chrono::{DateTime, TimeDelta, Utc};
use entity::order::{OrderKind, OrderStatus, Proposed};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::server::{self, Server};
use crate::wire::{Request, Wire};

type Instant = DateTime<Utc>;

/// From when until when the engine did not serve.
pub type Outage = (Instant, Instant);

/// The versions in a feed's events, by order.
pub type Versions = HashMap<String, Vec<i64>>;

/// An order with all its details.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Its version.
    pub version: i64,
    /// Its status.
    pub status: String,
    /// Its history: who did what.
    pub steps: Vec<(String, String)>,
    /// The number of stored positions.
    pub positions: usize,
    /// The whole answer.
    pub all: Value,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Whole {
    /// Reads it. Status, history, timers and money agree (ORD-2); no open order is stuck.
    pub async fn read(wire: &Wire, support: &str, id: &str) -> Self {
        let path = format!("/v1/support/orders/{id}");
        let all = wire.sure(support, &Request::get(path)).await.yes();
        let steps = all["steps"].as_array().unwrap();
        let version = all["order"]["version"].as_i64().unwrap();
        let status = text(&all["order"]["status"]);
        let numbers: Vec<i64> = steps.iter().map(|step| step["n"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=version).collect::<Vec<_>>(), "{id}: steps");
        assert_eq!(text(&steps[steps.len() - 1]["to"]), status, "{id}: the last step");
        let doers = steps.iter().map(|step| (text(&step["actor"]), text(&step["intent"])));
        let positions = all["positions"].as_array().unwrap().len();
        let whole = Self { version, status, steps: doers.collect(), positions, all };
        whole.fits_together(id);
        whole
    }

    fn fits_together(&self, id: &str) {
        let timers = self.all["timers"].as_array().unwrap();
        assert_eq!(timers.is_empty(), self.is_over(), "{id} {}: {timers:?}", self.status);
        let captured = self.all["postings"].as_array().unwrap();
        let of = |kind| captured.iter().filter(|posting| posting["kind"] == kind).count();
        let paid = of("commission") == 1 || of("commission_bonus") > 0;
        assert_eq!(paid, self.status == "completed", "{id}: {:?}", self.all);
    }

    /// Completed or cancelled.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "cancelled")
    }

    /// The step that made this version.
    pub fn intent(&self, version: i64) -> Option<&str> {
        let step = usize::try_from(version - 1).ok().and_then(|n| self.steps.get(n));
        step.map(|(_, intent)| intent.as_str())
    }

    /// Steps by people (not by timers) after a version.
    pub fn acts_after(&self, version: i64) -> Vec<String> {
        let steps = self.steps.iter().skip(usize::try_from(version).unwrap());
        steps.filter(|(actor, _)| actor != "clock").map(|(_, intent)| intent.clone()).collect()
    }

    /// The penalties match the real instants of its history, however slow the machine was: a quick
    /// order's client who cancels later than ten seconds after the acceptance (no device here
    /// acknowledges one) owes a tenth; an offer expires only when the engine could serve for its 32
    /// seconds; all of that over our own outages (PEN-2, QO-2, OUT-1). Nothing else is owed.
    pub fn owes_what_the_rules_say(&self, outages: &[Outage]) {
        let order = &self.all["order"];
        let at = |field: &str| order[field].as_str().and_then(|at| at.parse::<Instant>().ok());
        let fees: Vec<i64> = self.all["penalties"]
            .as_array()
            .unwrap()
            .iter()
            .map(|penalty| penalty["amount"].as_i64().or(penalty["amount"]["amount"].as_i64()))
            .map(Option::unwrap)
            .collect();
        let last = self.steps.last().unwrap();
        let left = last.0 == "client" && last.1 == "cancel" && order["kind"] == "quick";
        let free_until = at("accepted_at").map(|at| moved(at + TimeDelta::seconds(10), outages));
        let late = free_until.zip(at("cancelled_at")).is_some_and(|(free, end)| end > free);
        let agreed = order["total"]["amount"].as_i64().unwrap();
        let due: Vec<i64> = if left && late { vec![(agreed / 10).min(200)] } else { Vec::new() };
        assert_eq!(fees, due, "{:?}", self.all);
        match text(&order["reason"]).as_str() {
            "offer_expired" if order["kind"] == "quick" => {
                let end = moved(at("placed_at").unwrap() + TimeDelta::seconds(32), outages);
                assert!(at("cancelled_at").unwrap() > end, "too early: {:?}", self.all);
            }
            "offer_expired" | "no_show" | "not_admitted" => panic!("{:?}", self.all),
            _ => {}
        }
    }

    /// Nobody was penalised, and no deadline passed (OUT-1).
    pub fn blameless(&self) {
        let reason = text(&self.all["order"]["reason"]);
        let gap = ["offer_expired", "no_show", "not_admitted"];
        assert!(!gap.contains(&reason.as_str()), "{:?}", self.all);
        assert_eq!(self.all["penalties"].as_array().map(Vec::len), Some(0), "{:?}", self.all);
    }
}

/// Moves a deadline over our own outages, the oldest first: `up + max(due − down, 60 s)` where it
/// fell into one (OUT-1).
fn moved(due: Instant, outages: &[Outage]) -> Instant {
    outages.iter().fold(due, |due, (down, up)| {
        let inside = *down <= due && due < *up;
        if inside { *up + (due - *down).max(TimeDelta::seconds(60)) } else { due }
    })
}

/// The recorded outages, the oldest first.
pub async fn outages(wire: &Wire, support: &str) -> Vec<Outage> {
    let at = |row: &Value, field: &str| row[field].as_str().unwrap().parse().unwrap();
    let rows: Vec<Value> = wire.all(support, "/v1/support/outages?limit=100").await;
    let mut all: Vec<Outage> =
        rows.iter().map(|row| (at(row, "down_at"), at(row, "up_at"))).collect();
    all.sort_unstable();
    all
}

/// The ids of all orders of a client.
pub async fn orders_of(wire: &Wire, client: &str) -> Vec<String> {
    let orders: Vec<Value> = wire.all(client, "/v1/client/orders?limit=100").await;
    orders.iter().map(|order| text(&order["id"])).collect()
}

/// Support ends an order.
pub async fn force_cancel(wire: &Wire, support: &str, id: &str) {
    let version = Whole::read(wire, support, id).await.version;
    let body = json!({"act": "force_cancel", "reason": "yoxlama"});
    let ask = Request::post(format!("/v1/support/orders/{id}/adjust"), &body).if_match(version);
    assert_eq!(wire.sure(support, &ask).await.yes()["status"], "cancelled");
}

/// No error was logged, and the proof of the books holds (BAL-6), on the running server and again
/// on the stopped database.
pub async fn books_are_right(ground: &Ground, server: Server, support: &str) {
    let errors = server.errors();
    assert!(errors.is_empty(), "it logged faults: {errors:#?}");
    books_prove_right(ground, server, support).await;
}

/// The same for tests in which faults are expected.
pub async fn books_prove_right(ground: &Ground, server: Server, support: &str) {
    let proof = server.wire.sure(support, &Request::get("/v1/support/proof")).await.yes();
    assert_eq!(proof["ok"], true, "{proof}");
    server.stop().await;
    let check: Output = server::run(ground, &["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    ticks_are_right(ground).await;
    assert_eq!(ground.deadlocks().await, 0, "there is one lock order everywhere");
}

/// Every occupancy cell is held by an open order, and exactly those that its bay, its car and its
/// proposal need (BK-2); by rules written here.
async fn ticks_are_right(ground: &Ground) {
    let db = ground.db().await;
    let ticks = entity::occupancy::Entity::find().all(&db.read).await.unwrap();
    let standing: BTreeSet<_> = ticks.iter().map(|t| (t.resource, t.n, t.holder)).collect();
    let mut expected = BTreeSet::new();
    for order in entity::order::Entity::find().all(&db.read).await.unwrap() {
        if matches!(order.status, OrderStatus::Completed | OrderStatus::Cancelled) {
            continue;
        }
        let own = order.bay_id.zip(order.taken_from).zip(order.taken_until);
        let own = own.map(|((bay, from), until)| (bay.0, from, until));
        let asked = order.proposal.as_ref().and_then(|proposal| match &proposal.what {
            Proposed::Reschedule { place, .. } => Some((place.bay_id.0, place.from, place.until)),
            Proposed::AddOn { .. } => None,
        });
        if order.kind == OrderKind::Quick && order.status != OrderStatus::Active {
            // For the visit, from the arrival estimated at placing.
            let lines = &order.snapshot.lines;
            let minutes: i32 = lines.iter().map(|line| line.minutes).sum();
            let rest = lines.iter().map(|line| line.buffer_min).max().unwrap();
            let from = order.placed_at.timestamp_micros() + order.snapshot.route_secs * 1_000_000;
            let until = from + i64::from(minutes + rest) * 60_000_000;
            for n in from / 300_000_000..(until + 299_999_999) / 300_000_000 {
                expected.insert((order.car_id.0, n, order.id.0));
            }
        }
        for (bay, from, until) in own.into_iter().chain(asked) {
            let last = (until.timestamp_millis() + 299_999) / 300_000;
            for n in from.timestamp() / 300..last {
                expected.insert((bay, n, order.id.0));
                // A car that is being served keeps no cells; its next visit elsewhere stands.
                if order.kind == OrderKind::Booking && order.status != OrderStatus::Active {
                    expected.insert((order.car_id.0, n, order.id.0));
                }
            }
        }
    }
    assert_eq!(standing, expected, "ticks that stand, and ticks that orders call for");
}
