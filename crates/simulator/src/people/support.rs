//! The support agent: credits branches, ends frozen orders, reads the standing proof.

use crate::chance::Dice;
use crate::city::credit;
use crate::people::agenda::Agenda;
use crate::people::{CODE, Person, Shared};
use crate::statistics::one;
use chrono::TimeDelta;
use client::{ApiError, Audience, Follower, FollowerEvent, Order, Request, Start, wall_now};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Events queued for support.
const EVENTS_MAX: usize = 1024;
/// The queues of support that it works on.
const QUEUES: [&str; 2] = ["orders", "money"];
/// Requests for credit queued.
const CALLS_MAX: usize = 1024;
/// The longest wait with nothing due.
const QUIET_MAX: Duration = Duration::from_mins(1);
/// Simulated seconds between two reads of the proof.
const PROOF_SECS: u64 = 1800;
/// Disputes of a thousand that are upheld.
const RIGHT_PER_MILLE: u32 = 300;
/// The shortest real time between two reads of the proof, which is expensive.
const PROOF_REAL_MIN: Duration = Duration::from_secs(10);

/// A branch's request for credit because its balance is low.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id.
    pub branch_id: String,
    /// Its name.
    pub branch: String,
}

/// The queue of requests to support; a branch already in it is not added twice.
#[derive(Debug, Clone)]
pub struct Calls {
    line: mpsc::Sender<Call>,
    waiting: Arc<Mutex<HashSet<String>>>,
}

impl Calls {
    /// The queue and its receiver.
    pub fn line() -> (Self, mpsc::Receiver<Call>) {
        let (line, calls) = mpsc::channel(CALLS_MAX);
        (Self { line, waiting: Arc::default() }, calls)
    }

    /// Requests credit, unless this branch is already queued or the queue is full.
    pub(crate) fn ring(&self, call: Call) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.contains(&call.branch_id) {
            return;
        }
        let id = call.branch_id.clone();
        if self.line.try_send(call).is_ok() {
            waiting.insert(id);
        }
    }

    fn hung_up(&self, branch_id: &str) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(branch_id);
    }
}

/// What support plans to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Act {
    Settle(String),
    Credit(String, String),
    Decide(String),
    Campaign,
    Proof,
}

/// The result of the standing proof.
#[derive(Debug, Deserialize)]
pub struct Proof {
    /// Whether everything matches.
    pub ok: bool,
    /// The discrepancies.
    #[serde(default)]
    pub violations: Vec<Value>,
}

/// The simulated support agent.
pub struct Hotline {
    me: Arc<Person>,
    shared: Shared,
    dice: Dice,
    agenda: Agenda<Act>,
    credit_qepik: i64,
}

#[derive(Deserialize)]
struct Whole {
    order: Order,
}

/// Reads the standing proof and records each discrepancy as a violation.
pub async fn read_proof(support: &Person) -> Result<bool, ApiError> {
    let census = &support.shared.census;
    let proof: Proof = support.read(&Request::get("/v1/support/proof")).await?;
    one(&census.count.proofs);
    for violation in &proof.violations {
        census.violation(format!("proof: {violation}"));
    }
    if !proof.ok && proof.violations.is_empty() {
        census.violation("proof: not ok, and it does not say why".to_owned());
    }
    Ok(proof.ok)
}

impl Hotline {
    /// The simulation of a signed-in support agent.
    pub fn of(me: Arc<Person>, shared: &Shared, seed: u64, credit_qepik: i64) -> Self {
        let dice = Dice::of(seed, "support", 0);
        Self { me, shared: shared.clone(), dice, agenda: Agenda::default(), credit_qepik }
    }

    /// Runs until the simulator stops.
    pub async fn work(mut self, line: Calls, mut calls: mpsc::Receiver<Call>) {
        let (sink, mut events) = mpsc::channel(EVENTS_MAX);
        for queue in QUEUES {
            let audience = Audience::Support(queue);
            let follower =
                Follower::new(self.me.session(), &audience, Start::Snapshot, sink.clone());
            tokio::spawn(follower.with_tickets().follow());
        }
        // Without followers there is nothing to wait for.
        drop(sink);
        let stop = self.shared.stop.clone();
        self.mean(Act::Proof, PROOF_SECS);
        if self.shared.cards {
            self.mean(Act::Campaign, 0);
        }
        while !stop.is_set() {
            let quiet = Instant::now() + QUIET_MAX;
            let until = self.agenda.next_at().map_or(quiet, |at| at.min(quiet));
            tokio::select! {
                seen = tokio::time::timeout_at(until, events.recv()) => match seen {
                    Ok(Some(seen)) => self.learn(seen),
                    Ok(None) => return,
                    Err(_due) => {}
                },
                call = calls.recv() => if let Some(call) = call {
                    let wait = self.dice.between(1, 6);
                    self.mean(Act::Credit(call.branch_id, call.branch), wait);
                },
                () = stop.wait() => return,
            }
            while let Some(act) = self.agenda.take_due(Instant::now()) {
                self.agenda.forget(|meant| *meant == act);
                if stop.is_set() {
                    return;
                }
                self.carry_out(&line, act).await;
            }
        }
    }

    fn learn(&mut self, seen: FollowerEvent) {
        match seen {
            FollowerEvent::Snapshot(orders) => {
                for order in orders.into_iter().filter(|order| order.frozen_until.is_some()) {
                    self.mean(Act::Settle(order.id), 60);
                }
            }
            FollowerEvent::Event(heard) => {
                let wait = self.dice.between(60, 600);
                let data = heard.event.data;
                match (heard.event.event.as_str(), data.order, data.penalty) {
                    ("order.frozen" | "support.not_here", Some(order), _) => {
                        self.mean(Act::Settle(order.id), wait);
                    }
                    ("support.penalty_disputed", _, Some(penalty)) => {
                        self.mean(Act::Decide(penalty.id), wait);
                    }
                    _ => {}
                }
            }
        }
    }

    fn mean(&mut self, act: Act, secs: u64) {
        let mut wait = self.shared.pace.real(secs);
        if act == Act::Proof {
            wait = wait.max(PROOF_REAL_MIN);
        }
        self.agenda.mean(Instant::now() + wait, act);
    }

    async fn carry_out(&mut self, line: &Calls, act: Act) {
        let done = match act {
            Act::Proof => {
                let read = read_proof(&self.me).await.map(|_told| ());
                self.mean(Act::Proof, PROOF_SECS);
                read
            }
            Act::Credit(id, branch) => {
                let credited = credit(&self.me, &id, self.credit_qepik).await;
                line.hung_up(&id);
                self.shared.census.tell(&self.me.name, format!("credited {branch}"));
                credited
            }
            Act::Decide(id) => self.decide(&id).await,
            Act::Campaign => self.launch().await,
            Act::Settle(id) => self.settle(&id).await,
        };
        if let Err(trouble) = done {
            tracing::debug!(%trouble, "support could not");
        }
    }

    /// Upholds some disputes and rejects most.
    async fn decide(&mut self, id: &str) -> Result<(), ApiError> {
        let right = self.dice.chance(RIGHT_PER_MILLE);
        let (act, done, reason) = if right {
            ("waive", "waived", "Sistemin saatı səhv idi")
        } else {
            ("reject", "rejected", "Kameraya baxıldı, müştəri gecikib")
        };
        let path = format!("/v1/support/penalties/{id}/{act}");
        self.me.done(&Request::post(path, &json!({ "reason": reason }))).await?;
        one(&self.shared.census.count.support_acts);
        self.shared.census.tell(&self.me.name, format!("{done} a disputed penalty"));
        Ok(())
    }

    /// Creates the bonus campaign and its public code; refused when an earlier run has created it.
    async fn launch(&mut self) -> Result<(), ApiError> {
        let now = self.shared.clock_sync.now().unwrap_or_else(wall_now);
        let body = json!({
            "name": "Bahar", "audience": "client", "amount": 500, "ttl_h": 240, "budget": 100_000,
            "code": CODE, "public": true, "ends_at": now + TimeDelta::days(365), "reason": "Yuyucular açılıb",
        });
        self.me.done(&Request::post("/v1/support/campaigns", &body)).await
    }

    /// Reads a frozen order and ends it.
    async fn settle(&mut self, id: &str) -> Result<(), ApiError> {
        let whole: Whole = self.me.read(&Request::get(format!("/v1/support/orders/{id}"))).await?;
        let order = whole.order;
        if order.status.is_terminal() || order.frozen_until.is_none() {
            return Ok(());
        }
        let body =
            json!({ "act": "force_cancel", "reason": "Tərəflər razılaşmadı, kamera baxıldı" });
        let request =
            Request::post(format!("/v1/support/orders/{id}/adjust"), &body).if_match(order.version);
        match self.me.order(&request).await {
            Ok(after) => {
                one(&self.shared.census.count.support_acts);
                self.shared.census.tell(&self.me.name, format!("force-cancelled {}", after.code));
                Ok(())
            }
            Err(ApiError::Refused(problem)) if problem.is_race() => {
                self.mean(Act::Settle(id.to_owned()), 5);
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }
}
