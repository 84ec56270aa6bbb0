//! The desk's calendar: answers to bookings and proposals, another start proposed, and what is done
//! when no bay is free.

use crate::ask::Ask;
use crate::census::one;
use crate::slots::quarters_after;
use crate::staff::{Act, Desk};
use crate::trouble::Trouble;
use crate::views::{Order, Slot};
use serde_json::json;
use tokio::time::Instant;

/// How long a desk thinks about a booking, the town's seconds: less than the shortest time to
/// answer.
const THINKING_SECS: (u64, u64) = (8, 220);
/// How long a desk thinks about one thing more, the town's seconds: it has two minutes.
const MORE_SECS: (u64, u64) = (4, 80);
/// By how many quarters of an hour a desk would move a booking.
const QUARTERS: (u64, u64) = (1, 6);

impl Desk {
    /// How long the desk thinks about an offer.
    pub(crate) fn thinking(&mut self, order: &Order) -> u64 {
        let (least, most) = if order.is_booking() { THINKING_SECS } else { (3, 22) };
        self.dice.between(least, most)
    }

    /// Answers what the client proposes; what is no longer proposed is forgotten. Answers whether
    /// something is.
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

    /// A booking that is expected: sometimes it does not suit after all, sometimes there is time
    /// to wait for a late one.
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
                let at = Instant::now() + self.shared.sundial.until(start) + after;
                self.agenda.mean(at, (order.id.clone(), Act::Extend));
            }
            _ => {}
        }
    }

    /// Says yes or no to what the client proposes.
    pub(crate) fn reply(order: &Order, word: &str) -> Option<Ask> {
        let proposal = order.asks_branch()?;
        let path = format!("/v1/partner/orders/{}/{}/{word}", order.id, proposal.path());
        Some(Ask::post(path, &json!({})).if_match(order.version))
    }

    /// Proposes a start that would suit the desk better.
    pub(crate) fn another_start(&mut self, order: &Order) -> Option<Ask> {
        let quarters = self.dice.between(QUARTERS.0, QUARTERS.1);
        let start = quarters_after(order.starts_at?, quarters);
        Some(Self::moving(order, &json!({ "starts_at": start })))
    }

    fn moving(order: &Order, body: &serde_json::Value) -> Ask {
        Ask::post(format!("/v1/partner/orders/{}/reschedule", order.id), body)
    }

    /// The start the desk thought of is not free: one of those that are is proposed instead.
    pub(crate) async fn another_still(&mut self, order: &Order, free: &[Slot]) {
        let Some(slot) = self.dice.pick(free) else { return };
        let ask = Self::moving(order, &json!({ "starts_at": slot.starts_at }));
        match self.branch.owner.order(&ask).await {
            Ok(after) => {
                self.count(Act::ProposeMove, order);
                self.learn(after);
            }
            Err(Trouble::Refused(_) | Trouble::Stopped) => {}
            Err(trouble) => tracing::debug!(%trouble, "the desk could not move a booking"),
        }
    }

    /// No bay is free for a quick order: taken all the same, or declined.
    pub(crate) fn on_clash(&mut self, order: &Order) {
        let act = if self.dice.chance(350) { Act::Override } else { Act::Decline };
        let wait = self.dice.between(1, 4);
        self.mean(order, act, wait);
    }

    /// Counts an answer to a proposal; a yes to a move and a yes to one thing more are different.
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
