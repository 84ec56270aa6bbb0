//! The calendar side of a branch's desk: answers to bookings and proposals, proposing another
//! start, and quick orders that arrive when no bay is free.

use crate::people::quarters_after;
use crate::people::staff::{Act, Desk};
use crate::statistics::one;
use client::{ApiError, Order, Request, Slot};
use serde_json::json;
use tokio::time::Instant;

/// Time the desk takes to answer a booking, simulated seconds: less than the shortest deadline.
const THINKING_SECS: (u64, u64) = (8, 220);
/// Time the desk takes to answer an add-on, simulated seconds; its deadline is two minutes.
const MORE_SECS: (u64, u64) = (4, 80);
/// By how many quarters of an hour the desk moves a booking.
const QUARTERS: (u64, u64) = (1, 6);

impl Desk {
    /// How long the desk takes to answer an offer.
    pub(crate) fn thinking(&mut self, order: &Order) -> u64 {
        let (least, most) = if order.is_booking() { THINKING_SECS } else { (3, 22) };
        self.dice.between(least, most)
    }

    /// Plans the answer to a client's proposal and forgets plans for withdrawn ones; returns
    /// whether a proposal is pending.
    pub(crate) fn on_proposal(&mut self, order: &Order) -> bool {
        let answers = [Act::Agree, Act::Refuse, Act::LeaveOpen];
        let Some(proposal) = order.asks_branch() else {
            self.agenda.forget(|(id, act)| *id == order.id && answers.contains(act));
            return order.proposal.is_some();
        };
        if !self.has_plan(order, &answers) {
            let act = match self.dice.between(1, 100) {
                1..=15 => Act::Refuse,
                16..=24 => Act::LeaveOpen,
                _ => Act::Agree,
            };
            let (least, most) = if proposal.kind == "add_on" { MORE_SECS } else { THINKING_SECS };
            let wait = self.dice.between(least, most);
            self.mean(order, act, wait);
        }
        true
    }

    /// Plans for an accepted booking: the desk sometimes cancels it, proposes another start, or
    /// gives a late client more time.
    pub(crate) fn on_booking(&mut self, order: &Order) {
        if self.has_plan(order, &[Act::Cancel, Act::ProposeMove, Act::Extend]) {
            return;
        }
        match self.dice.between(1, 1000) {
            1..=8 => {
                let wait = self.dice.between(60, 1500);
                self.mean(order, Act::Cancel, wait);
            }
            9..=45 => {
                let wait = self.dice.between(60, 900);
                self.mean(order, Act::ProposeMove, wait);
            }
            46..=110 => {
                let Some(start) = order.starts_at else { return };
                let after = self.shared.pace.real(self.dice.between(1, 50));
                let at = Instant::now() + self.shared.clock_sync.until(start) + after;
                self.agenda.mean(at, (order.id.clone(), Act::Extend));
            }
            _ => {}
        }
    }

    /// The request that accepts or declines a client's proposal.
    pub(crate) fn reply(order: &Order, word: &str) -> Option<Request> {
        let proposal = order.asks_branch()?;
        let path = format!("/v1/partner/orders/{}/{}/{word}", order.id, proposal.path());
        Some(Request::post(path, &json!({})).if_match(order.version))
    }

    /// Proposes a start that suits the desk better.
    pub(crate) fn another_start(&mut self, order: &Order) -> Option<Request> {
        let quarters = self.dice.between(QUARTERS.0, QUARTERS.1);
        let start = quarters_after(order.starts_at?, quarters);
        Some(Self::moving(order, &json!({ "starts_at": start })))
    }

    fn moving(order: &Order, body: &serde_json::Value) -> Request {
        Request::post(format!("/v1/partner/orders/{}/reschedule", order.id), body)
    }

    /// When the proposed start is not free, proposes one of the free ones instead.
    pub(crate) async fn another_still(&mut self, order: &Order, free: &[Slot]) {
        let Some(slot) = self.dice.pick(free) else { return };
        let request = Self::moving(order, &json!({ "starts_at": slot.starts_at }));
        match self.branch.owner.order(&request).await {
            Ok(after) => {
                self.count(Act::ProposeMove, order);
                self.learn(after);
            }
            Err(ApiError::Refused(_) | ApiError::Stopped) => {}
            Err(trouble) => tracing::debug!(%trouble, "the desk could not move a booking"),
        }
    }

    /// No bay is free for a quick order: the desk accepts it with an override, or declines.
    pub(crate) fn on_clash(&mut self, order: &Order) {
        let act = if self.dice.chance(350) { Act::Override } else { Act::Decline };
        let wait = self.dice.between(1, 4);
        self.mean(order, act, wait);
    }

    /// Counts an answer to a proposal; accepted moves and accepted add-ons have separate counters.
    pub(crate) fn count_answer(&self, act: Act, order: &Order) {
        let count = &self.shared.census.count;
        let add_on = order.asks_branch().is_some_and(|proposal| proposal.kind == "add_on");
        let (counter, word) = match (act == Act::Agree, add_on) {
            (true, true) => (&count.add_ons_agreed, "does one thing more for"),
            (true, false) => (&count.moved, "moved"),
            (false, _) => (&count.proposals_declined, "keeps as it was"),
        };
        one(counter);
        self.shared.census.tell(&self.branch.name, format!("{word} {}", order.code));
    }
}
