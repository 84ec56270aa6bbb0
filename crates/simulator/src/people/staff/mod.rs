//! A branch's desk: answers offers, admits cars, completes orders and tops up the balance.

mod branch_balance;
mod calendar;
mod topped;

use crate::chance::Dice;
use crate::city::{Branch, wash_of};
use crate::people::agenda::Agenda;
use crate::people::{Board, Calls, Shared};
use crate::statistics::one;
use client::{ApiError, Audience, Follower, FollowerEvent, Order, Problem, Request, Start, Status};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use topped::Topped;

/// Events queued for the desk.
const EVENTS_MAX: usize = 1024;
/// The longest wait with nothing due.
const QUIET_MAX: Duration = Duration::from_mins(1);
/// Delay before a failed action is repeated, simulated seconds.
const AGAIN_SECS: u64 = 60;

/// What the desk plans to do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    Accept,
    Override,
    Decline,
    Ignore,
    Extend,
    Admit,
    AdmitTooSoon,
    NoShow,
    NotHere,
    Cancel,
    AddService,
    Complete,
    Agree,
    Refuse,
    LeaveOpen,
    ProposeMove,
}

/// A planned action: the order's id and the act.
type Intention = (String, Act);

/// The simulated desk of a branch.
pub struct Desk {
    pub(crate) branch: Branch,
    pub(crate) shared: Shared,
    pub(crate) board: Arc<Board>,
    pub(crate) calls: Calls,
    pub(crate) dice: Dice,
    pub(crate) agenda: Agenda<Intention>,
    known: HashMap<String, Order>,
    pub(crate) accepts: u64,
    pub(crate) code_look_at: Instant,
    pub(crate) topped: Option<Topped>,
}

impl Desk {
    /// Creates the desk of a branch.
    pub fn of(
        branch: Branch,
        shared: &Shared,
        board: &Arc<Board>,
        calls: &Calls,
        seed: u64,
    ) -> Self {
        board.show(&branch.id, &branch.arrival_code);
        let dice = Dice::of(seed, "desk", branch.number);
        Self {
            branch,
            shared: shared.clone(),
            board: board.clone(),
            calls: calls.clone(),
            dice,
            agenda: Agenda::default(),
            known: HashMap::new(),
            accepts: 0,
            code_look_at: Instant::now(),
            topped: None,
        }
    }

    /// Runs until the simulator stops.
    pub async fn work(mut self) {
        let (sink, mut events) = mpsc::channel(EVENTS_MAX);
        let audience = Audience::Branch(self.branch.id.clone());
        tokio::spawn(
            Follower::new(self.branch.owner.session(), &audience, Start::Snapshot, sink).follow(),
        );
        let stop = self.shared.stop.clone();
        while !stop.is_set() {
            let quiet = Instant::now() + QUIET_MAX;
            let until = self.agenda.next_at().map_or(quiet, |at| at.min(quiet));
            let seen = tokio::select! {
                seen = tokio::time::timeout_at(until, events.recv()) => seen,
                () = stop.wait() => return,
            };
            match seen {
                Ok(Some(FollowerEvent::Snapshot(orders))) => {
                    for order in orders {
                        self.learn(order);
                    }
                }
                Ok(Some(FollowerEvent::Event(heard))) => {
                    if let Some(order) = heard.event.data.order {
                        self.learn(*order);
                    }
                }
                Ok(None) => return,
                Err(_due) => {}
            }
            while let Some((id, act)) = self.agenda.take_due(Instant::now()) {
                if stop.is_set() {
                    return;
                }
                self.carry_out(&id, act).await;
            }
            self.mind_the_gate().await;
        }
    }

    /// Records an order's current state and plans the desk's actions for it.
    pub(crate) fn learn(&mut self, order: Order) {
        if self.known.get(&order.id).is_some_and(|known| known.version > order.version) {
            return;
        }
        if order.status.is_terminal() {
            self.known.remove(&order.id);
            self.agenda.forget(|(id, _)| *id == order.id);
            return;
        }
        match order.status {
            Status::Requested => self.on_offer(&order),
            Status::Confirmed | Status::OnTheWay => self.on_expected(&order),
            Status::Active => self.on_active(&order),
            Status::Completed | Status::Cancelled => {}
        }
        self.known.insert(order.id.clone(), order);
    }

    fn on_offer(&mut self, order: &Order) {
        let answered = [Act::Accept, Act::Decline, Act::Ignore];
        if answered.iter().any(|act| self.agenda.knows(&(order.id.clone(), *act))) {
            return;
        }
        let act = match self.dice.between(1, 100) {
            1..=5 => Act::Decline,
            6..=10 => Act::Ignore,
            _ => Act::Accept,
        };
        let thinking = self.thinking(order);
        self.mean(order, act, thinking);
    }

    fn on_expected(&mut self, order: &Order) {
        if order.frozen_until.is_some() {
            return;
        }
        if order.arrived_at.is_some() {
            if !self.has_plan(order, &[Act::Admit, Act::NotHere]) {
                let (act, wait) = match self.dice.between(1, 1000) {
                    1..=8 => (Act::NotHere, self.dice.between(60, 400)),
                    9..=20 => (Act::Admit, self.dice.between(1000, 4000)),
                    _ => (Act::Admit, self.dice.between(20, 300)),
                };
                self.mean(order, act, wait);
            }
            return;
        }
        if self.on_proposal(order) {
            return;
        }
        if order.is_booking() {
            self.on_booking(order);
        } else if order.overdue {
            if !self.has_plan(order, &[Act::Extend, Act::NoShow, Act::Ignore]) {
                let act = match self.dice.between(1, 10) {
                    1..=4 if order.extensions == 0 => Act::Extend,
                    1..=6 => Act::NoShow,
                    _ => Act::Ignore,
                };
                let wait = self.dice.between(20, 400);
                self.mean(order, act, wait);
            }
        } else if !self.has_plan(order, &[Act::Cancel, Act::AdmitTooSoon, Act::Extend]) {
            let (act, wait) = match self.dice.between(1, 1000) {
                1..=10 => (Act::Cancel, self.dice.between(30, 900)),
                11..=14 => (Act::AdmitTooSoon, self.dice.between(200, 900)),
                15..=60 => (Act::Extend, self.dice.between(200, 900)),
                _ => return,
            };
            self.mean(order, act, wait);
        }
    }

    fn on_active(&mut self, order: &Order) {
        if !self.has_plan(order, &[Act::Complete]) {
            let secs = order.minutes().max(5) * 60 * self.dice.between(50, 115) / 100;
            self.mean(order, Act::Complete, secs);
            if self.dice.chance(60) {
                let wait = self.dice.between(30, secs.max(31) / 2 + 30);
                self.mean(order, Act::AddService, wait);
            }
        }
    }

    pub(crate) fn has_plan(&self, order: &Order, acts: &[Act]) -> bool {
        acts.iter().any(|act| self.agenda.knows(&(order.id.clone(), *act)))
    }

    pub(crate) fn mean(&mut self, order: &Order, act: Act, secs: u64) {
        let at = Instant::now() + self.shared.pace.real(secs);
        self.agenda.mean(at, (order.id.clone(), act));
    }

    /// Performs a planned action, if it still applies to the order's current state.
    async fn carry_out(&mut self, id: &str, act: Act) {
        let Some(order) = self.known.get(id).cloned() else { return };
        let expected = matches!(order.status, Status::Confirmed | Status::OnTheWay)
            && order.frozen_until.is_none();
        let fits = match act {
            Act::Accept | Act::Override | Act::Decline => order.status == Status::Requested,
            Act::Cancel => expected,
            Act::Agree | Act::Refuse => expected && order.asks_branch().is_some(),
            Act::ProposeMove => expected && order.arrived_at.is_none() && order.proposal.is_none(),
            Act::LeaveOpen => false,
            Act::Extend | Act::NoShow | Act::AdmitTooSoon => expected && order.arrived_at.is_none(),
            Act::Admit | Act::NotHere => expected && order.arrived_at.is_some(),
            Act::AddService | Act::Complete => order.status == Status::Active,
            Act::Ignore => {
                one(&self.shared.census.count.ignored);
                false
            }
        };
        if !fits {
            return;
        }
        let Some(request) = self.wording(&order, act) else { return };
        match self.branch.owner.order(&request).await {
            Ok(after) => {
                self.count(act, &order);
                self.learn(after);
                if matches!(act, Act::Accept | Act::Override) {
                    self.mind_the_balance().await;
                }
            }
            Err(ApiError::Refused(problem)) if act == Act::ProposeMove => {
                self.another_still(&order, &problem.alternatives).await;
            }
            Err(ApiError::Refused(problem)) => self.refused(&order, act, *problem),
            Err(trouble) => {
                tracing::debug!(%trouble, ?act, "the desk could not");
                self.try_again(&order, act);
            }
        }
    }

    fn wording(&mut self, order: &Order, act: Act) -> Option<Request> {
        let path = |verb: &str| format!("/v1/partner/orders/{}/{verb}", order.id);
        let because = |reason: &str| json!({ "reason": reason });
        let request = match act {
            Act::Accept => Request::post(path("accept"), &json!({})).if_match(order.version),
            Act::Override => {
                Request::post(path("accept"), &json!({ "override": true })).if_match(order.version)
            }
            Act::Decline => Request::post(path("decline"), &because("Bütün bokslar doludur")),
            Act::Extend => Request::post(path("extend"), &json!({})),
            Act::Admit if self.dice.chance(15) => {
                Request::post(path("admit"), &json!({ "car_class": "suv" }))
            }
            Act::Admit | Act::AdmitTooSoon => Request::post(path("admit"), &json!({})),
            Act::NoShow => Request::post(path("no-show"), &json!({})),
            Act::NotHere => Request::post(path("not-here"), &json!({})),
            Act::Cancel => Request::post(path("cancel"), &because("Su kəsilib")),
            Act::AddService => {
                Request::patch(path("services"), &self.more(order)).if_match(order.version)
            }
            Act::Complete => {
                Request::post(path("complete"), &self.bill(order)).if_match(order.version)
            }
            Act::Agree => return Self::reply(order, "accept"),
            Act::Refuse => return Self::reply(order, "decline"),
            Act::ProposeMove => return self.another_start(order),
            Act::Ignore | Act::LeaveOpen => return None,
        };
        Some(request)
    }

    /// The services of the order plus one more of this branch, for the same bay.
    fn more(&mut self, order: &Order) -> Value {
        let mut ids: Vec<String> =
            order.services.iter().map(|service| service.id.clone()).collect();
        let bay = |code: &str| wash_of(code).map(|wash| wash.bay);
        let same = order.services.first().and_then(|service| bay(&service.code));
        if let Some(extra) = self.dice.pick(&self.branch.services)
            && bay(&extra.code) == same
            && !ids.contains(&extra.id)
        {
            ids.push(extra.id.clone());
        }
        json!({ "service_ids": ids })
    }

    /// The final amount: usually the agreed one.
    fn bill(&mut self, order: &Order) -> Value {
        let agreed = order.total.amount;
        match self.dice.between(1, 100) {
            1..=5 => {
                json!({ "final_amount": agreed * 9 / 10, "reason": "Daimi müştəriyə endirim" })
            }
            6..=10 => json!({ "final_amount": agreed * 11 / 10 }),
            11 => json!({ "final_amount": agreed * 14 / 10 }),
            _ => json!({ "final_amount": agreed }),
        }
    }

    fn refused(&mut self, order: &Order, act: Act, problem: Problem) {
        let intention = (order.id.clone(), act);
        if act == Act::Accept && problem.code == "bay_clash" {
            self.on_clash(order);
        } else if act == Act::Agree && problem.speaks_of(&["bay", "balance", "services"]) {
            self.mean(order, Act::Refuse, 1);
        } else if let Some(now) = problem.order {
            self.agenda.forget(|meant| *meant == intention);
            let again = now.status == order.status && now.version > order.version;
            self.learn(*now);
            if again && let Some(now) = self.known.get(&order.id).cloned() {
                self.mean(&now, act, 1);
            }
        } else if act == Act::Accept
            && problem.speaks_of(&["floor", "balance", "funds", "restricted"])
        {
            self.call_for_credit();
            self.agenda.forget(|meant| *meant == intention);
            self.mean(order, Act::Accept, 6);
        } else {
            self.try_again(order, act);
        }
    }

    /// Plans admission and completion again after a failure; they stop when the order ends.
    fn try_again(&mut self, order: &Order, act: Act) {
        if matches!(act, Act::Admit | Act::Complete) {
            self.agenda.forget(|meant| *meant == (order.id.clone(), act));
            self.mean(order, act, AGAIN_SECS);
        }
    }

    pub(crate) fn count(&self, act: Act, order: &Order) {
        let count = &self.shared.census.count;
        let (counter, word) = match act {
            Act::Accept => (&count.accepted, "accepted"),
            Act::Override => {
                one(&count.accepted);
                (&count.overridden, "has no bay and still takes")
            }
            Act::Decline => (&count.declined, "declined"),
            Act::Ignore => (&count.ignored, "ignored"),
            Act::Extend => (&count.extended, "gave more time for"),
            Act::Admit | Act::AdmitTooSoon => (&count.admitted, "admitted"),
            Act::NoShow => (&count.no_shows, "declared a no-show of"),
            Act::NotHere => (&count.not_here, "does not see the car of"),
            Act::Cancel => (&count.cancelled_by_partner, "cancelled"),
            Act::AddService => {
                return self
                    .shared
                    .census
                    .tell(&self.branch.name, format!("added to {}", order.code));
            }
            Act::Complete => (&count.completed, "completed"),
            Act::ProposeMove => (&count.moves_proposed, "proposes another time for"),
            Act::Agree | Act::Refuse | Act::LeaveOpen => return self.count_answer(act, order),
        };
        one(counter);
        self.shared.census.tell(&self.branch.name, format!("{word} {}", order.code));
    }
}
