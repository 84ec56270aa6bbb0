//! The simulated lives that book: they ask for slots of coming days, move them, add services,
//! answer and cancel.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use serde_json::{Value, json};

use crate::city::{EXTRA, PRICE, as_client, as_staff};
use crate::life::{Life, Order, Sent};
use crate::wait;

/// The number of starts that are tried, a quarter of an hour apart, from tomorrow on.
const STARTS: i64 = 300;
const QUARTER_S: i64 = 900;

impl Life {
    fn start(&mut self) -> DateTime<Utc> {
        let now = wait::now().timestamp();
        let quarter = now - now % QUARTER_S + QUARTER_S * self.dice.random_range(0..STARTS);
        DateTime::from_timestamp(quarter, 0).unwrap() + TimeDelta::days(1)
    }

    /// The body of a booking request.
    pub fn booking(&mut self) -> Value {
        let mut wish = self.client.wish(&self.branch);
        wish["kind"] = json!("booking");
        wish["starts_at"] = json!(self.start());
        wish
    }

    /// The next action on a confirmed booking.
    pub fn next_of_booking(&mut self, order: &Order, dice: u32) -> Sent {
        let (empty, reason) = (json!({}), json!({"reason": "növbə"}));
        let moved = json!({"starts_at": self.start()});
        let more = json!({"service_ids": [self.branch.extra], "shown_total": PRICE + EXTRA});
        let client = |act: &str, body: &Value| as_client(&order.id, act, body);
        let staff = |act: &str, body: &Value| as_staff(&order.id, act, body);
        let pending = order.proposal["id"].as_str();
        if let (Some(id), 20..) = (pending, dice) {
            let add_on = order.proposal["kind"] == "add_on";
            let what = if add_on { "add-ons" } else { "reschedule" };
            let yes = dice < 80;
            let path = format!("{what}/{id}/{}", if yes { "accept" } else { "decline" });
            let intent = match (add_on, yes) {
                (true, true) => "accept_add_on",
                (true, false) => "decline_add_on",
                (false, true) => "accept_reschedule",
                (false, false) => "decline_reschedule",
            };
            return if order.proposal["by"] == "client" {
                self.by_staff(intent, staff(&path, &empty).if_match(order.version))
            } else {
                self.by_client(intent, client(&path, &empty).if_match(order.version))
            };
        }
        match dice {
            0..12 => self.by_client("cancel", client("cancel", &empty)),
            12..20 => self.by_staff("cancel", staff("cancel", &reason)),
            20..50 => self.by_client("propose_reschedule", client("reschedule", &moved)),
            50..70 => self.by_staff("propose_reschedule", staff("reschedule", &moved)),
            70..90 => self.by_client("propose_add_on", client("add-ons", &more)),
            _ => self.by_staff("extend", staff("extend", &empty)),
        }
    }
}
