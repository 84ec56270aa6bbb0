//! Steady load that records acknowledgements: clients place orders and cancel them, and after a 503
//! retry under the same key.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::city::{City, Client, as_client};
use crate::truth::Whole;
use crate::wait::pause;
use crate::wire::{Answer, Request, Wire};

/// The pause between two commands of one client.
const THINKS: Duration = Duration::from_millis(10);
/// How long an expected effect may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An acknowledged step.
struct Step {
    order: String,
    version: i64,
    intent: &'static str,
}

/// The acknowledgements so far.
#[derive(Default)]
pub struct Load {
    steps: Mutex<Vec<Step>>,
    /// Commands answered with 503.
    pub unavailable: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// All clients place and cancel until stopped, or until the connection breaks.
    pub async fn run(&self, city: &City, wire: &Wire) {
        self.stop.store(false, Ordering::Relaxed);
        join_all(city.clients.iter().map(|client| self.client(city, client, wire))).await;
    }

    /// Stops the clients before their next command.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The number of acknowledged steps.
    pub fn answered(&self) -> usize {
        self.steps.lock().unwrap().len()
    }

    async fn client(&self, city: &City, client: &Client, wire: &Wire) {
        while !self.stop.load(Ordering::Relaxed) {
            let place = Request::post("/v1/client/orders", &client.wish(&city.branches[0]));
            let Some(placed) = self.insists(client, &place, wire).await else { return };
            let id = placed.body["id"].as_str().unwrap().to_owned();
            self.note(&id, "place", &placed);
            let cancel = as_client(&id, "cancel", &json!({}));
            let Some(cancelled) = self.insists(client, &cancel, wire).await else { return };
            self.note(&id, "cancel", &cancelled);
        }
    }

    /// Retries until it succeeds; `None` when the connection broke, or when it was stopped.
    async fn insists(&self, client: &Client, ask: &Request, wire: &Wire) -> Option<Answer> {
        loop {
            let answer = wire.ask(&client.token, ask).await.ok()?;
            pause(THINKS).await;
            if answer.is_yes() {
                return Some(answer);
            }
            assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
            assert!(answer.retry_after.is_some(), "when to come back: {}", answer.text);
            self.unavailable.fetch_add(1, Ordering::Relaxed);
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
        }
    }

    fn note(&self, order: &str, intent: &'static str, answer: &Answer) {
        let version = answer.body["version"].as_i64().unwrap();
        self.steps.lock().unwrap().push(Step { order: order.to_owned(), version, intent });
    }

    /// Every acknowledged step is there.
    pub async fn is_all_there(&self, wire: &Wire, support: &str) {
        let steps = std::mem::take(&mut *self.steps.lock().unwrap());
        for some in steps.chunks(16) {
            let read = some.iter().map(async |step| {
                let whole = Whole::read(wire, support, &step.order).await;
                assert_eq!(whole.intent(step.version), Some(step.intent), "{:?}", whole.all);
            });
            join_all(read).await;
        }
        self.steps.lock().unwrap().extend(steps);
    }
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "it never came: {what}");
        pause(THINKS).await;
    }
}

/// Waits until the node reports ready, or not ready.
pub async fn until_ready(wire: &Wire, ready: bool) {
    let status = if ready { 200 } else { 503 };
    let asks = async || wire.sure("", &Request::get("/health/ready")).await.status == status;
    until(&format!("ready {ready}"), asks).await;
}
