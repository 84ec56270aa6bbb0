//! A simulated client with a booking: chooses a slot, may propose a move or an add-on before the
//! start, departs early, late or never, and answers when the branch proposes another start.

use crate::city::wash_of;
use crate::people::client::mood::{Appointment, Mood, Whim};
use crate::people::client::wanted::Visit;
use crate::people::client::{Client, put};
use crate::statistics::{Phase, one};
use chrono::{DateTime, TimeDelta, Utc};
use client::{ApiError, Money, Order, PartnerFound, Request, Slot};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Price previews for one order request, including those repeated after a slot was taken.
const PREVIEWS_MAX: u32 = 3;
/// Extra wait after a server deadline before its outcome is expected, simulated seconds.
const AFTER_SECS: u64 = 30;

#[derive(Deserialize)]
struct Preview {
    total: Money,
}

impl Client {
    pub(crate) fn appointment(&mut self) -> Appointment {
        let dice = &mut self.dice;
        let whim = match dice.between(1, 100) {
            1..=18 => Some(Whim::Move),
            19..=28 => Some(Whim::AddOn),
            29..=40 => Some(Whim::Drop),
            _ => None,
        };
        let at_percent = u32::try_from(dice.between(5, 90)).unwrap_or(50);
        let secs = i64::try_from(dice.between(60, 900)).unwrap_or(300);
        let ahead = TimeDelta::seconds(if dice.chance(120) { -secs } else { secs });
        Appointment { whim, at_percent, ahead, given_up: false, ignored: None }
    }

    /// Turns a quick order request into a booking when the calendar has a slot.
    pub(crate) async fn wants_a_slot(&mut self, wish: &mut Value, visit: &Visit<'_>) {
        if let Some(start) = self.likes(visit).await {
            put(wish, "kind", json!("booking"));
            put(wish, "starts_at", json!(start));
        }
    }

    /// Previews the price and sets the total in the body; a slot that was taken is replaced by
    /// another.
    pub(crate) async fn preview(&mut self, wish: &mut Value) -> Result<(), ApiError> {
        let mut last = ApiError::Stopped;
        for _ in 0..PREVIEWS_MAX {
            match self.me.read(&Request::post("/v1/client/orders/preview", wish)).await {
                Ok(Preview { total }) => {
                    put(wish, "shown_total", json!(total.amount));
                    return Ok(());
                }
                Err(ApiError::Refused(problem))
                    if self.takes_another(wish, &problem.alternatives) =>
                {
                    last = ApiError::Refused(problem);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(last)
    }

    /// Takes one of the alternative slots; returns whether there is one.
    pub(crate) fn takes_another(&mut self, wish: &mut Value, free: &[Slot]) -> bool {
        let Some(slot) = self.dice.pick(free) else { return false };
        one(&self.shared.census.count.slots_gone);
        put(wish, "starts_at", json!(slot.starts_at));
        true
    }

    /// Handles a confirmed booking until the departure, including the drawn behaviour.
    pub(crate) async fn until_it_is_time(&mut self, order: Order, mood: &mut Mood) -> Order {
        self.enter(Phase::Confirmed);
        if let Some(mine) = order.asks_branch() {
            let over = mine.expires_at;
            return self.hear_until(order, over).await;
        }
        let leaves = leaves_at(&order, mood);
        let wait = self.shared.clock_sync.until(leaves);
        if let Some(whim) = mood.appointment.whim {
            let part = wait.saturating_mul(mood.appointment.at_percent) / 100;
            if let Some(newer) = self.news_within(&order, part).await {
                return newer;
            }
            mood.appointment.whim = None;
            return self.follow(order, whim).await;
        }
        if let Some(newer) = self.news_within(&order, wait).await {
            return newer;
        }
        if mood.ghost {
            return self.stay_away(order, mood).await;
        }
        self.depart(order).await
    }

    async fn stay_away(&mut self, order: Order, mood: &mut Mood) -> Order {
        if !std::mem::replace(&mut mood.appointment.given_up, true) {
            one(&self.shared.census.count.ghosts);
            self.shared.census.tell(&self.me.name, format!("will not come for {}", order.code));
        }
        let start = order.starts_at.unwrap_or_default();
        self.hear_until(order, start + TimeDelta::minutes(2)).await
    }

    /// Waits until an instant plus a margin, then reads the order.
    async fn hear_until(&mut self, order: Order, then: DateTime<Utc>) -> Order {
        let wait = self.shared.clock_sync.until(then) + self.shared.pace.real(AFTER_SECS);
        match self.news_within(&order, wait).await {
            Some(newer) => newer,
            None => self.look(order).await,
        }
    }

    async fn follow(&mut self, order: Order, whim: Whim) -> Order {
        match whim {
            Whim::Move => self.propose_move(order).await,
            Whim::AddOn => self.propose_add_on(order).await,
            Whim::Drop => self.cancel_if_cheap(order).await,
        }
    }

    /// Proposes another slot of the same branch; if it is taken, tries one alternative.
    async fn propose_move(&mut self, order: Order) -> Order {
        let services: Vec<String> = order.services.iter().map(|s| s.id.clone()).collect();
        let visit =
            Visit { branch: &order.partner.id, services: &services, class: &order.car.class };
        let Some(start) = self.likes(&visit).await else { return order };
        let mut body = json!({ "starts_at": start });
        for _ in 0..2 {
            let request =
                Request::post(format!("/v1/client/orders/{}/reschedule", order.id), &body);
            match self.me.order(&request).await {
                Ok(proposed) => {
                    one(&self.shared.census.count.moves_proposed);
                    let what = format!("wants another time for {}", order.code);
                    self.shared.census.tell(&self.me.name, what);
                    return proposed;
                }
                Err(ApiError::Refused(problem)) => {
                    if !self.takes_another(&mut body, &problem.alternatives) {
                        break;
                    }
                }
                Err(_counted) => break,
            }
        }
        self.look(order).await
    }

    /// Proposes one more service that the same bay can do.
    pub(crate) async fn propose_add_on(&mut self, order: Order) -> Order {
        let request = Request::get(format!("/v1/client/partners/{}", order.partner.id));
        let Ok(place) = self.me.read::<PartnerFound>(&request).await else { return order };
        let bay = |code: &str| wash_of(code).map(|wash| wash.bay);
        let same = order.services.first().and_then(|service| bay(&service.code));
        let had = |id: &str| order.services.iter().any(|service| service.id == id);
        let more: Vec<_> =
            place.services.iter().filter(|s| !had(&s.id) && bay(&s.code) == same).collect();
        let Some(extra) = self.dice.pick(&more) else { return order };
        let total = order.total.amount + extra.price.amount;
        let mut body = json!({ "service_ids": [extra.id], "shown_total": total });
        let request = Request::post(format!("/v1/client/orders/{}/add-ons", order.id), &body);
        let told = match self.me.order(&request).await {
            Ok(proposed) => Ok(proposed),
            // The list shows the lowest price; the refusal carries the price for this car.
            Err(ApiError::Refused(problem)) => Err(problem.total),
            Err(_counted) => Err(None),
        };
        let proposed = match told {
            Ok(proposed) => Some(proposed),
            Err(None) => None,
            Err(Some(total)) => {
                put(&mut body, "shown_total", json!(total.amount));
                self.act(&order, "add-ons", &body).await
            }
        };
        match proposed {
            Some(proposed) => {
                one(&self.shared.census.count.add_ons_proposed);
                let what = format!("would like {} too with {}", extra.code, order.code);
                self.shared.census.tell(&self.me.name, what);
                proposed
            }
            None => self.look(order).await,
        }
    }

    /// Answers another start proposed by the branch: accepts, declines, or leaves it unanswered.
    pub(crate) async fn answer(&mut self, order: Order, mood: &mut Mood) -> Order {
        let Some(proposal) = order.asks_client().cloned() else { return order };
        let word = match self.dice.between(1, 100) {
            1..=65 => "accept",
            66..=88 => "decline",
            _ => {
                mood.appointment.ignored = Some(proposal.id);
                return order;
            }
        };
        let thinking = self.dice.between(10, 300);
        if let Some(newer) = self.news(&order, thinking).await {
            return newer;
        }
        let path = format!("/v1/client/orders/{}/{}/{word}", order.id, proposal.path());
        match self.me.order(&Request::post(path, &json!({})).if_match(order.version)).await {
            Ok(answered) => {
                let census = &self.shared.census;
                let agreed = word == "accept";
                let count = &census.count;
                one(if agreed { &count.moved } else { &count.proposals_declined });
                let says = if agreed { "agrees to move" } else { "keeps the time of" };
                census.tell(&self.me.name, format!("{says} {}", order.code));
                answered
            }
            Err(_counted) => {
                // A refused answer must not turn into a busy loop.
                mood.appointment.ignored = Some(proposal.id);
                self.look(order).await
            }
        }
    }

    /// How long a client waits at the branch before leaving: a little over fifteen minutes, counted
    /// from the start if that is still ahead.
    pub(crate) fn patience(&self, order: &Order) -> Duration {
        let start = order.starts_at.map_or(Duration::ZERO, |at| self.shared.clock_sync.until(at));
        start + self.shared.pace.real(16 * 60)
    }
}

/// When this client departs, within the limits of the branch's calendar.
fn leaves_at(order: &Order, mood: &Mood) -> DateTime<Utc> {
    let start = order.starts_at.unwrap_or_default();
    let way = i64::try_from(order.route_secs * mood.way_percent / 100).unwrap_or(900);
    let leaves = start - TimeDelta::seconds(way) - mood.appointment.ahead;
    order.depart_from.map_or(leaves, |from| leaves.max(from))
}
