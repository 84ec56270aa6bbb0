//! What a view says of its reader's actions, against what happens when they are sent at once
//! (ORD-1): seeded walks through the states of quick orders and bookings.

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::booking::text;
use crate::support::client::Order;
use crate::support::{Branch, Client, Person, Reply, World, instant, minutes, seconds};

/// Walks of each kind of order.
const SEEDS: u64 = 5;
/// Moves in one walk.
const MOVES: usize = 14;

/// Refusals of allowed actions for what the order's row does not hold: the calendar of the branch,
/// the catalogue, and how often one side acted within a minute.
const OUTSIDE: [(&str, &str); 8] = [
    ("propose_reschedule", "slot_taken"),
    ("propose_reschedule", "slot_too_soon"),
    ("propose_reschedule", "too_many_acts"),
    ("propose_add_on", "services_invalid"),
    ("propose_add_on", "too_many_acts"),
    ("extend", "bay_not_free"),
    ("accept_add_on", "bay_not_free"),
    ("change_services", "too_many_acts"),
];

/// Refused actions that are not sent: a client who was not admitted leaves by `cancel`, and each
/// code that is sent spends one of the order's attempts.
const UNSENT: [&str; 2] = ["not_admitted", "arrive"];

/// Acts that end the order; a walk seldom takes them.
const ENDS: [&str; 8] = [
    "cancel",
    "decline",
    "no_show",
    "leave",
    "force_cancel",
    "force_complete",
    "complete",
    "not_admitted",
];

struct Walk {
    kristal: Branch,
    anar: Client,
    order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Client,
    Staff,
    Support,
}

impl Walk {
    async fn begins(world: &World, booking: bool) -> Self {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = if booking {
            kristal.adds_bay("Bay 1", "wash").await;
            let start = world.now() + TimeDelta::hours(4);
            let hour = start.timestamp() / 3600 * 3600;
            anar.books(&kristal, instant("1970-01-01T00:00:00Z") + seconds(hour)).await
        } else {
            anar.orders(&kristal).await
        };
        Self { kristal, anar, order }
    }

    fn person<'w>(&'w self, world: &'w World, side: Side) -> &'w Person {
        match side {
            Side::Client => &self.anar,
            Side::Staff => &self.kristal,
            Side::Support => world.support(),
        }
    }

    async fn sees(&self, world: &World, side: Side) -> Value {
        match side {
            Side::Client => self.anar.sees(&self.order).await.ok().clone(),
            Side::Staff => self.kristal.sees(&self.order).await.ok().clone(),
            Side::Support => world.support().sees(&self.order).await.ok()["order"].clone(),
        }
    }

    /// Sends an action as its reader's app would.
    async fn sends(&self, world: &World, side: Side, name: &str, order: &Value) -> Reply {
        // The branch changes its code daily.
        let code = match name {
            "arrive" => self.kristal.arrival_code().await,
            _ => String::new(),
        };
        let (method, below, body) = self.request(side, name, order, &code);
        let whose = match side {
            Side::Client => "client",
            Side::Staff => "partner",
            Side::Support => "support",
        };
        let path = format!("/v1/{whose}/orders/{}/{below}", self.order.id);
        let ask = self.person(world, side).ask(method, &path).body(body);
        ask.seen(order["version"].as_i64().unwrap()).send().await
    }

    fn request(
        &self,
        side: Side,
        name: &str,
        order: &Value,
        code: &str,
    ) -> (&'static str, String, Value) {
        let post = |below: &str, body: Value| ("POST", below.to_owned(), body);
        let total = order["total"]["amount"].as_i64().unwrap();
        let services: Vec<&Value> =
            order["services"].as_array().unwrap().iter().map(|line| &line["id"]).collect();
        if side == Side::Support {
            let mut body = json!({"act": name, "reason": "It was agreed on the phone"});
            if name == "change_services" {
                body["service_ids"] = json!(services);
            }
            return post("adjust", body);
        }
        let proposal = order["proposal"]["id"].as_str().map(ToOwned::to_owned);
        let proposal = proposal.unwrap_or_else(|| Uuid::new_v4().to_string());
        match name {
            "cancel" if side == Side::Client => post("cancel", json!({})),
            "not_admitted" => post("cancel", json!({})),
            "cancel" | "decline" => post(name, json!({"reason": "The water is off"})),
            "arrive" => post(name, json!({"code": code})),
            "no_show" => post("no-show", json!({})),
            "not_here" => post("not-here", json!({})),
            "complete" => post(name, json!({"final_amount": total, "reason": "As agreed"})),
            "change_services" => ("PATCH", "services".to_owned(), json!({"service_ids": services})),
            "propose_add_on" => {
                let ids = [self.kristal.service("wash.full")];
                post("add-ons", json!({"service_ids": ids, "shown_total": total + 2500}))
            }
            "propose_reschedule" => {
                let start = order["starts_at"].as_str().map_or(world_start(), instant);
                post("reschedule", json!({"starts_at": text(start + minutes(60))}))
            }
            "accept_add_on" => post(&format!("add-ons/{proposal}/accept"), json!({})),
            "decline_add_on" => post(&format!("add-ons/{proposal}/decline"), json!({})),
            "accept_reschedule" => post(&format!("reschedule/{proposal}/accept"), json!({})),
            "decline_reschedule" => post(&format!("reschedule/{proposal}/decline"), json!({})),
            "pay_with_bonus" => {
                ("PUT", "bonus".to_owned(), json!({"amount": order["bonus"]["amount"]}))
            }
            "confirm_amount" => {
                let shown = order["final_amount"]["amount"].as_i64().unwrap_or(total);
                post("confirm-amount", json!({"amount": shown}))
            }
            "contest_amount" => post("contest-amount", json!({"reason": "It was agreed"})),
            _ => post(name, json!({})),
        }
    }

    /// Every action shown as refused is refused with the code shown; returns the allowed ones.
    async fn holds(&self, world: &World) -> Vec<(Side, String)> {
        let mut allowed = Vec::new();
        for side in [Side::Client, Side::Staff, Side::Support] {
            let order = self.sees(world, side).await;
            for (name, action) in order["actions"].as_object().unwrap() {
                if action["allowed"] == true {
                    allowed.push((side, name.clone()));
                } else if !UNSENT.contains(&name.as_str()) {
                    let reply = self.sends(world, side, name, &order).await;
                    let status = &order["status"];
                    assert_eq!(reply.json["code"], action["code"], "{side:?} {name}, {status}");
                }
            }
        }
        allowed
    }

    /// An action shown as allowed is accepted, unless for what the row does not hold.
    async fn moves(&self, world: &World, dice: &mut StdRng, allowed: &[(Side, String)]) {
        let gentle: Vec<_> = allowed.iter().filter(|(_, name)| !ENDS.contains(&&**name)).collect();
        let (side, name) = if gentle.is_empty() || dice.random_bool(0.1) {
            &allowed[dice.random_range(0..allowed.len())]
        } else {
            gentle[dice.random_range(0..gentle.len())]
        };
        let order = self.sees(world, *side).await;
        let reply = self.sends(world, *side, name, &order).await;
        let code = reply.json["code"].as_str().unwrap_or_default();
        let outside = OUTSIDE.contains(&(name.as_str(), code));
        assert!(reply.status == 200 || outside, "{side:?} {name}: {order} {}", reply.json);
    }
}

fn world_start() -> entity::value::Instant {
    instant("2026-11-20T12:00:00Z")
}

async fn walked(world: &World, booking: bool, seed: u64) {
    println!("seed {seed}, booking {booking}");
    let mut dice = StdRng::seed_from_u64(seed);
    let walk = Walk::begins(world, booking).await;
    for _ in 0..MOVES {
        let allowed = walk.holds(world).await;
        if allowed.is_empty() || dice.random_bool(0.3) {
            let waits = [1, 5, 16, 45, 110];
            world.advance(minutes(waits[dice.random_range(0..waits.len())])).await;
        } else {
            walk.moves(world, &mut dice, &allowed).await;
            world.advance(seconds(dice.random_range(1..20))).await;
        }
    }
}

both! {
    /// ORD-1: an action shown as allowed is accepted, one shown as refused is refused with the same
    /// code.
    async fn ord_1_actions_say_what_the_commands_do(world) {
        for seed in 1..=SEEDS {
            walked(world, false, seed).await;
            walked(world, true, seed).await;
        }
    }

    /// QO-6: after the last extension no other is offered; the deadlines shown can be acted upon.
    async fn qo_6_the_last_extension_is_the_last_one_offered(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        let order = anar.orders(&kristal).await;
        let offer = kristal.sees(&order).await.ok()["actions"]["accept"].clone();
        assert_eq!(offer, json!({"allowed": true, "until": order.placed["offer_deadline"]}));
        let accepted = kristal.accepts(&order).await;
        assert_eq!(accepted.ok()["actions"]["extend"]["allowed"], true);
        let extended = kristal.extends(&order).await;
        let refused = json!({"allowed": false, "code": "no_more_extensions"});
        assert_eq!(extended.ok()["actions"]["extend"], refused);
        kristal.extends(&order).await.refused("no_more_extensions");
    }

    /// PEN-1: the cost of cancelling, and until when it is that; both sides of the deadline.
    async fn pen_1_cancelling_shows_its_cost(world) {
        let (kristal, anar) = (world.branch("Kristal").await, world.client("Anar").await);
        kristal.adds_bay("Bay 1", "wash").await;
        let four = instant("2026-11-20T16:00:00Z");
        let order = anar.has_booked(&kristal, four).await;
        let cost = |seen: &Reply| seen.ok()["actions"]["cancel"].clone();
        let free = json!({
            "allowed": true, "cost": {"amount": 0, "currency": "AZN"},
            "cost_until": "2026-11-20T13:00:00Z",
        });
        assert_eq!(cost(&anar.sees(&order).await), free);
        world.until(four - minutes(180) + TimeDelta::microseconds(1)).await;
        let due = json!({"allowed": true, "cost": {"amount": 150, "currency": "AZN"}});
        assert_eq!(cost(&anar.sees(&order).await), due);
        assert_eq!(anar.cancels(&order).await.money("penalty"), 150);
    }
}
