//! The drive to a branch: positions along the route and two more at the branch.

use crate::people::client::Client;
use crate::people::client::mood::Mood;
use crate::statistics::one;
use client::{Order, Request, Status};
use serde::Deserialize;
use serde_json::json;

/// Positions sent during one drive, at most.
const STEPS_MAX: u64 = 40;
/// Minimum time between two positions, simulated seconds.
const STEP_SECS_MIN: u64 = 15;
/// Below this distance the drive counts as finished, whatever the estimate was.
const AT_THE_CORNER_M: f64 = 300.0;
/// Positions sent at the branch before the client reads the order again.
const GATE_PINGS_MAX: u32 = 6;
/// Time between two positions at the branch, simulated seconds: two of them must lie within a
/// minute.
const GATE_PING_SECS: u64 = 8;

/// How a drive ended.
pub(crate) enum Ride {
    /// With a newer version of the order.
    News(Box<Order>),
    /// At the branch.
    Over,
}

#[derive(Deserialize)]
struct DriveState {
    #[serde(default)]
    arrived: bool,
}

impl Client {
    /// Drives to the branch and arrives.
    pub(crate) async fn drive(&mut self, order: &Order, mood: &mut Mood) -> Ride {
        let Some(goal) = order.partner.point else { return Ride::Over };
        let there = self.at.metres_to(goal) < AT_THE_CORNER_M;
        let way_secs =
            if there { STEP_SECS_MIN } else { (order.route_secs * mood.way_percent / 100).max(30) };
        let steps = (way_secs / STEP_SECS_MIN).clamp(1, STEPS_MAX);
        let (from, whole) = (self.at, u32::try_from(steps).unwrap_or(1));
        for done in 1..whole {
            if let Some(newer) = self.news(order, way_secs / steps).await
                && let Some(news) = worth_stopping(newer)
            {
                return Ride::News(Box::new(news));
            }
            if self.shared.stop.is_set() {
                return Ride::Over;
            }
            self.at = from.towards(goal, done, whole);
            if !mood.by_code && self.ping(order).await {
                return self.is_there(order);
            }
        }
        if let Some(newer) = self.news(order, way_secs / steps).await
            && let Some(news) = worth_stopping(newer)
        {
            return Ride::News(Box::new(news));
        }
        self.at = goal.moved(self.dice.around(45), self.dice.around(45));
        if mood.by_code {
            self.show_code(order, mood).await
        } else {
            self.ping_at_gate(order).await
        }
    }

    async fn ping_at_gate(&mut self, order: &Order) -> Ride {
        for _ in 0..GATE_PINGS_MAX {
            if self.ping(order).await {
                return self.is_there(order);
            }
            if let Some(newer) = self.news(order, GATE_PING_SECS).await {
                return Ride::News(Box::new(newer));
            }
        }
        Ride::Over
    }

    fn is_there(&self, order: &Order) -> Ride {
        let census = &self.shared.census;
        one(&census.count.arrived_by_position);
        census.tell(&self.me.name, format!("arrived at {}", order.partner.name));
        Ride::Over
    }

    /// Sends the car's position; returns whether the order became arrived.
    async fn ping(&mut self, order: &Order) -> bool {
        one(&self.shared.census.count.positions);
        let accuracy = self.dice.between(4, 30);
        let body = json!({ "lat": self.at.lat, "lon": self.at.lon, "accuracy_m": accuracy });
        let request = Request::post(format!("/v1/client/orders/{}/positions", order.id), &body);
        let seen: Result<DriveState, _> = self.me.read(&request).await;
        seen.is_ok_and(|seen| seen.arrived)
    }

    async fn show_code(&mut self, order: &Order, mood: &mut Mood) -> Ride {
        let reading = self.dice.between(5, 40);
        if let Some(newer) = self.news(order, reading).await {
            return Ride::News(Box::new(newer));
        }
        let code = self.board.code_at(&order.partner.id).unwrap_or_default();
        let Some(arrived) = self.act(order, "arrive", &json!({ "code": code })).await else {
            // The code was refused; positions are used instead.
            mood.by_code = false;
            return Ride::Over;
        };
        let census = &self.shared.census;
        one(&census.count.arrived_by_code);
        census.tell(&self.me.name, format!("entered the code at {}", order.partner.name));
        Ride::News(Box::new(arrived))
    }
}

/// The newer order, if the drive has to stop for it.
fn worth_stopping(newer: Order) -> Option<Order> {
    let goes_on = newer.status == Status::OnTheWay && newer.arrived_at.is_none();
    let asked = newer.asks_client().is_some();
    (asked || !goes_on).then_some(newer)
}
