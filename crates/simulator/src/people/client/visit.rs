//! A simulated visit: from a placed order to its end, with every outcome of the order's life.

use crate::people::client::Client;
use crate::people::client::drive::Ride;
use crate::people::client::mood::Mood;
use crate::statistics::{Phase, one};
use client::{ApiError, Money, Order, Request, Status};
use serde::Deserialize;
use serde_json::{Value, json};

/// Iterations of one visit: more than the life of any order needs.
const TURNS_MAX: u32 = 400;
/// How long a client waits for events before reading the order, simulated seconds.
const LOOK_SECS: u64 = 120;

#[derive(Deserialize)]
struct Quote {
    fee: Money,
    token: String,
}

impl Client {
    fn mood(&mut self) -> Mood {
        let appointment = self.appointment();
        let dice = &mut self.dice;
        let late = dice.chance(70);
        Mood {
            drops_at_once: dice.chance(30),
            drops_later: dice.chance(45),
            ghost: dice.chance(15),
            adds_on_the_way: dice.chance(50),
            by_code: dice.chance(220),
            way_percent: if late { dice.between(170, 320) } else { dice.between(70, 125) },
            leaves_when_kept: dice.chance(600),
            appointment,
        }
    }

    /// Follows an order to its end or to the stop signal; returns its last known state.
    pub(crate) async fn see_through(&mut self, mut order: Order) -> Order {
        let mut mood = self.mood();
        // A booking is missed more often than a quick order.
        mood.ghost |= order.is_booking() && self.dice.chance(30);
        for _ in 0..TURNS_MAX {
            if self.shared.stop.is_set() || order.status.is_terminal() {
                break;
            }
            order = match order.status {
                Status::Requested => self.wait_for_answer(order, &mut mood).await,
                Status::Confirmed | Status::OnTheWay if order.arrived_at.is_some() => {
                    self.at_the_gate(order, &mood).await
                }
                Status::Confirmed | Status::OnTheWay
                    if order.asks_client().is_some_and(|it| !mood.appointment.ignores(it)) =>
                {
                    self.answer(order, &mut mood).await
                }
                Status::Confirmed if order.is_booking() => {
                    self.until_it_is_time(order, &mut mood).await
                }
                Status::Confirmed => self.set_out(order, &mut mood).await,
                Status::OnTheWay => self.on_the_way(order, &mut mood).await,
                Status::Active => self.in_the_box(order).await,
                Status::Completed | Status::Cancelled => order,
            };
        }
        if order.status == Status::Cancelled {
            one(&self.shared.census.count.ended_cancelled);
            let why = order.reason.clone().unwrap_or_default();
            if why == "burned" {
                one(&self.shared.census.count.burned);
            }
            self.shared.census.tell(&self.me.name, format!("{} ended {why}", order.code));
        }
        self.enter(Phase::Idle);
        order
    }

    async fn wait_for_answer(&mut self, order: Order, mood: &mut Mood) -> Order {
        self.enter(Phase::Waiting);
        if std::mem::take(&mut mood.drops_at_once) {
            let hesitation = self.dice.between(2, 12);
            return match self.news(&order, hesitation).await {
                Some(newer) => newer,
                None => self.cancel(order, None).await,
            };
        }
        self.look_or_hear(order, LOOK_SECS).await
    }

    async fn set_out(&mut self, order: Order, mood: &mut Mood) -> Order {
        self.enter(Phase::Confirmed);
        if mood.ghost {
            one(&self.shared.census.count.ghosts);
            self.shared.census.tell(&self.me.name, format!("will not come for {}", order.code));
            return self.never_come(order).await;
        }
        if std::mem::take(&mut mood.drops_later) {
            let second_thoughts = self.dice.between(1, 300);
            return match self.news(&order, second_thoughts).await {
                Some(newer) => newer,
                None => self.cancel_if_cheap(order).await,
            };
        }
        let keys_and_shoes = self.dice.between(10, 180);
        if let Some(newer) = self.news(&order, keys_and_shoes).await {
            return newer;
        }
        self.depart(order).await
    }

    /// Departs ("В путь").
    pub(crate) async fn depart(&mut self, order: Order) -> Order {
        let departed = self.act(&order, "depart", &json!({})).await;
        if let Some(order) = &departed {
            one(&self.shared.census.count.departed);
            self.shared.census.tell(&self.me.name, format!("departed for {}", order.partner.name));
        }
        self.or_look(departed, order).await
    }

    async fn on_the_way(&mut self, order: Order, mood: &mut Mood) -> Order {
        self.enter(Phase::Driving);
        if mood.adds_on_the_way && order.proposal.is_none() {
            mood.adds_on_the_way = false;
            return self.propose_add_on(order).await;
        }
        match self.drive(&order, mood).await {
            Ride::News(newer) => *newer,
            Ride::Over => self.look(order).await,
        }
    }

    async fn at_the_gate(&mut self, order: Order, mood: &Mood) -> Order {
        self.enter(Phase::Arrived);
        // A client may leave without a fee 15 minutes after arriving; the patient ones stay.
        let patience = self.patience(&order);
        if let Some(newer) = self.news_within(&order, patience).await {
            return newer;
        }
        let order = self.look(order).await;
        let kept = !order.status.is_terminal() && order.status != Status::Active;
        if kept && mood.leaves_when_kept && order.may("cancel") {
            self.cancel(order, None).await
        } else {
            order
        }
    }

    async fn in_the_box(&mut self, order: Order) -> Order {
        self.enter(Phase::Served);
        if order.arrived_at.is_none() && order.may("contest") && self.dice.chance(700) {
            let looking_up = self.dice.between(10, 120);
            if let Some(newer) = self.news(&order, looking_up).await {
                return newer;
            }
            if let Some(contested) = self.act(&order, "contest", &json!({})).await {
                one(&self.shared.census.count.contested);
                self.shared
                    .census
                    .tell(&self.me.name, format!("is not there, contests {}", contested.code));
                return contested;
            }
        }
        if order.may("leave") && self.dice.chance(250) {
            let reading = self.dice.between(10, 120);
            if let Some(newer) = self.news(&order, reading).await {
                return newer;
            }
            if let Some(left) = self.act(&order, "leave", &json!({})).await {
                let what = format!("does not agree to the price of {}, leaves", left.code);
                self.shared.census.tell(&self.me.name, what);
                return left;
            }
        }
        self.look_or_hear(order, 30 * 60).await
    }

    async fn never_come(&mut self, order: Order) -> Order {
        self.look_or_hear(order, 30 * 60).await
    }

    /// Asks for the cancellation fee, and cancels unless it is high.
    pub(crate) async fn cancel_if_cheap(&mut self, order: Order) -> Order {
        one(&self.shared.census.count.quotes);
        let request = Request::get(format!("/v1/client/orders/{}/cancellation-quote", order.id));
        let quote: Result<Quote, _> = self.me.read(&request).await;
        let Ok(quote) = quote else { return self.look(order).await };
        let reading = self.dice.between(2, 15);
        if let Some(newer) = self.news(&order, reading).await {
            return newer;
        }
        if quote.fee.amount > 0 && !self.dice.chance(250) {
            return order;
        }
        self.cancel(order, Some(&quote.token)).await
    }

    async fn cancel(&mut self, order: Order, quote: Option<&str>) -> Order {
        let body = quote.map_or_else(|| json!({}), |token| json!({ "quote": token }));
        let cancelled = self.act(&order, "cancel", &body).await;
        if cancelled.is_some() {
            one(&self.shared.census.count.cancelled_by_client);
        }
        self.or_look(cancelled, order).await
    }

    /// Performs an action on the order; a lost race returns the order's current state, any other
    /// refusal `None`.
    pub(crate) async fn act(&self, order: &Order, act: &str, body: &Value) -> Option<Order> {
        match self
            .me
            .order(&Request::post(format!("/v1/client/orders/{}/{act}", order.id), body))
            .await
        {
            Ok(order) => Some(order),
            Err(ApiError::Refused(problem)) => {
                problem.order.filter(|now| now.version > order.version).map(|now| *now)
            }
            Err(_counted) => None,
        }
    }

    /// The order's current state in the engine, or the last known one.
    pub(crate) async fn look(&mut self, order: Order) -> Order {
        let request = Request::get(format!("/v1/client/orders/{}", order.id));
        match self.me.order(&request).await {
            Ok(now) => now,
            Err(_counted) => order,
        }
    }

    async fn look_or_hear(&mut self, order: Order, secs: u64) -> Order {
        match self.news(&order, secs).await {
            Some(newer) => newer,
            None => self.look(order).await,
        }
    }

    async fn or_look(&mut self, done: Option<Order>, order: Order) -> Order {
        match done {
            Some(order) => order,
            None => {
                // Waiting prevents a busy loop after a refused action.
                self.look_or_hear(order, 20).await
            }
        }
    }
}
