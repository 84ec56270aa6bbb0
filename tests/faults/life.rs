//! The simulated life of one client, order after order, with the staff who serve them: always one
//! command under way, and a journal of requests and answers kept outside of the server.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::city::{Branch, Client, PRICE, as_client, as_staff, at_gate};
use crate::truth::{self, Whole};
use crate::wire::{Answer, Request, Wire};

/// How long cancelling an accepted order is free (PEN-2); older ones are not cancelled here, as a
/// client in debt places no more orders.
const FREE: Duration = Duration::from_secs(4);

/// A command that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The sender's token.
    pub token: String,
    /// The request.
    pub ask: Request,
    /// The step it makes in the order's history.
    pub intent: &'static str,
}

/// The current order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The version seen last.
    pub version: i64,
    /// Its status.
    pub status: String,
    /// The open proposal; null if there is none.
    pub proposal: Value,
    arrived: bool,
    extended: bool,
    accepted: Instant,
}

/// The answers about one order.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// The step of each answered command, by the version in the answer.
    pub steps: BTreeMap<i64, &'static str>,
    /// Positions that were answered as stored (LIM-3).
    pub positions: usize,
}

/// The life of one client.
pub struct Life {
    /// The client.
    pub client: Client,
    /// The branch it visits.
    pub branch: Branch,
    /// Every order of which an answer came, with the answers.
    pub journal: HashMap<String, Answered>,
    /// Refusals, by code.
    pub refused: BTreeMap<String, usize>,
    /// True when no further order is placed.
    pub closing: bool,
    /// True if it books for coming days instead of ordering now.
    pub books: bool,
    /// Its random generator.
    pub dice: StdRng,
    /// Commands without an answer, and how many of them had been committed.
    pub left: (usize, usize),
    order: Option<Order>,
    unanswered: Option<Sent>,
}

impl Life {
    /// A life without any order.
    pub fn new(client: &Client, branch: &Branch, seed: u64) -> Self {
        Self {
            client: client.clone(),
            branch: branch.clone(),
            journal: HashMap::new(),
            refused: BTreeMap::new(),
            closing: false,
            books: false,
            left: (0, 0),
            order: None,
            unanswered: None,
            dice: StdRng::seed_from_u64(seed),
        }
    }

    /// Acts until the connection breaks, or until there is nothing left to do.
    pub async fn live(&mut self, wire: &Wire, under_way: &AtomicUsize) {
        while let Some(sent) = self.next() {
            under_way.fetch_add(1, Ordering::Relaxed);
            let answer = wire.ask(&sent.token, &sent.ask).await;
            under_way.fetch_sub(1, Ordering::Relaxed);
            match answer {
                Ok(answer) => self.heard(wire, &sent, &answer).await,
                Err(_) => self.unanswered = Some(sent),
            }
            if self.unanswered.is_some() {
                return;
            }
        }
    }

    /// The id of the open order, if there is one.
    pub fn open(&self) -> Option<&str> {
        self.order.as_ref().map(|order| order.id.as_str())
    }

    /// Forgets the order that support ended.
    pub fn release(&mut self) {
        self.order = None;
    }

    /// True if the last command before the connection broke has no answer.
    pub fn waits(&self) -> bool {
        self.unanswered.is_some()
    }

    fn next(&mut self) -> Option<Sent> {
        let Some(order) = self.order.clone() else {
            let wish = if self.books { self.booking() } else { self.client.wish(&self.branch) };
            let place = Request::post("/v1/client/orders", &wish);
            return (!self.closing).then(|| self.by_client("place", place));
        };
        let empty = json!({});
        let client = |act: &str, body: &Value| as_client(&order.id, act, body);
        let staff = |act: &str, body: &Value| as_staff(&order.id, act, body);
        let free = order.accepted.elapsed() < FREE;
        let reason = json!({"reason": "növbə"});
        let near = at_gate(&mut self.dice);
        let done = json!({"final_amount": PRICE + 500});
        let both = json!({"service_ids": [self.branch.service, self.branch.extra]});
        let services = format!("/v1/partner/orders/{}/services", order.id);
        let services = Request::patch(services, &both).if_match(order.version);
        let dice = self.dice.random_range(0..100);
        if self.books && order.status == "confirmed" {
            return Some(self.next_of_booking(&order, dice));
        }
        Some(match (order.status.as_str(), dice) {
            ("requested", 0..10) => self.by_client("cancel", client("cancel", &empty)),
            ("requested", 10..20) => self.by_staff("decline", staff("decline", &reason)),
            ("requested", _) => {
                // With an override, in case no bay is free (BK-10).
                let yes = if self.books { json!({}) } else { json!({"override": true}) };
                self.by_staff("accept", staff("accept", &yes).if_match(order.version))
            }
            ("confirmed" | "on_the_way", 0..8) if free && !order.arrived => {
                self.by_client("cancel", client("cancel", &empty))
            }
            ("confirmed" | "on_the_way", 8..16) => {
                self.by_staff("cancel", staff("cancel", &reason))
            }
            ("confirmed", 16..50) => self.by_client("depart", client("depart", &empty)),
            ("confirmed" | "on_the_way", 50..80) if !order.arrived => {
                self.by_client("arrive", client("positions", &near))
            }
            ("confirmed" | "on_the_way", 80..86) if !order.arrived => {
                let code = json!({"code": self.branch.code});
                self.by_client("arrive", client("arrive", &code))
            }
            ("confirmed" | "on_the_way", 86..90) if !order.arrived && !order.extended => {
                self.by_staff("extend", staff("extend", &empty))
            }
            ("confirmed" | "on_the_way", _) => self.by_staff("admit", staff("admit", &empty)),
            ("active", 0..15) if !order.arrived => {
                self.by_client("contest", client("contest", &empty))
            }
            ("active", 15..40) => self.by_staff("change_services", services),
            ("active", _) => {
                self.by_staff("complete", staff("complete", &done).if_match(order.version))
            }
            (status, _) => panic!("an open order is {status}"),
        })
    }

    /// A command of the client.
    pub fn by_client(&self, intent: &'static str, ask: Request) -> Sent {
        Sent { token: self.client.token.clone(), ask, intent }
    }

    /// A command of one of the staff.
    pub fn by_staff(&mut self, intent: &'static str, ask: Request) -> Sent {
        let owner = self.dice.random_bool(0.5);
        let who = if owner { &self.branch.owner } else { &self.branch.operator };
        Sent { token: who.clone(), ask, intent }
    }

    /// Records an answer. After a refusal it reads the order again.
    async fn heard(&mut self, wire: &Wire, sent: &Sent, answer: &Answer) {
        if answer.is_yes() {
            return self.done(sent, &answer.body);
        }
        let no = matches!(answer.status, 409 | 412 | 422) && !answer.code().is_empty();
        assert!(no, "{sent:?}: {} {}", answer.status, answer.text);
        *self.refused.entry(answer.code().to_owned()).or_default() += 1;
        let Some(order) = &self.order else { return };
        let look = Request::get(format!("/v1/client/orders/{}", order.id));
        if let Ok(answer) = wire.ask(&self.client.token, &look).await {
            self.saw(&answer.yes());
        }
    }

    fn done(&mut self, sent: &Sent, body: &Value) {
        if sent.ask.path.ends_with("/positions") {
            let order = self.order.as_mut().unwrap();
            let answered = self.journal.get_mut(&order.id).unwrap();
            answered.positions += usize::from(body["kept"] == true);
            if body["arrived"] == true && !order.arrived {
                order.arrived = true;
                order.version += 1;
                answered.steps.insert(order.version, sent.intent);
            }
            return;
        }
        let (id, version) = (body["id"].as_str().unwrap(), body["version"].as_i64().unwrap());
        let answered = self.journal.entry(id.to_owned()).or_default();
        let other = answered.steps.insert(version, sent.intent);
        assert!(other.is_none(), "{id} {version} was answered to {other:?} and to {sent:?}");
        self.saw(body);
    }

    /// Records the order as it is.
    fn saw(&mut self, body: &Value) {
        let status = body["status"].as_str().unwrap();
        if matches!(status, "completed" | "cancelled") {
            self.order = None;
            return;
        }
        let known = self.order.as_ref().filter(|order| order.status != "requested");
        self.order = Some(Order {
            id: body["id"].as_str().unwrap().to_owned(),
            version: body["version"].as_i64().unwrap(),
            status: status.to_owned(),
            proposal: body["proposal"].clone(),
            arrived: !body["arrived_at"].is_null(),
            extended: body["extensions"] != 0,
            accepted: known.map_or_else(Instant::now, |order| order.accepted),
        });
    }

    /// After a restart (ORD-2, ORD-4): answered commands are there; unanswered ones are there whole
    /// or not at all, and a retry under the same key makes each happen exactly once.
    pub async fn judge(&mut self, wire: &Wire, support: &str) {
        let sent = self.unanswered.take();
        let found = match (&self.order, &sent) {
            (None, Some(_)) => self.found_open(wire).await,
            (order, _) => order.as_ref().map(|order| order.id.clone()),
        };
        let known = self.order.as_ref().map_or(0, |order| order.version);
        let before = match &found {
            Some(id) => Whole::read(wire, support, id).await.acts_after(known),
            None => Vec::new(),
        };
        let Some(sent) = sent else {
            return assert_eq!(before, [""; 0], "nobody sent that to {found:?}");
        };
        let answer = wire.sure(&sent.token, &sent.ask).await;
        let id = answer.body["id"].as_str().map(ToOwned::to_owned);
        if !before.is_empty() {
            assert_eq!(before, [sent.intent], "{found:?}: {sent:?}");
            assert!(answer.replayed, "{sent:?} was there: {} {}", answer.status, answer.text);
        }
        let positions = found.as_ref().map(|id| self.journal.get(id).map_or(0, |a| a.positions));
        self.left = (self.left.0 + 1, self.left.1 + usize::from(answer.replayed));
        self.heard(wire, &sent, &answer).await;
        let Some(id) = found.or(id) else { return };
        let whole = Whole::read(wire, support, &id).await;
        let made = match (answer.is_yes(), sent.ask.path.ends_with("/positions")) {
            (true, false) => vec![sent.intent.to_owned()],
            (true, true) => {
                // This one, whether or not it was there already; more would be too many.
                let one = usize::from(answer.body["kept"] == true);
                assert_eq!(Some(whole.positions), positions.map(|n| n + one), "{id}: {sent:?}");
                whole.acts_after(known)
            }
            (false, _) => Vec::new(),
        };
        assert_eq!(
            whole.acts_after(known),
            made,
            "{id}: {sent:?} {} {}",
            answer.status,
            answer.text
        );
        if let (Some(order), false) = (self.order.as_mut(), whole.is_over()) {
            // The recovery may have moved its deadlines meanwhile (OUT-1).
            order.version = whole.version;
        }
    }

    /// An open order whose placing was not answered.
    async fn found_open(&self, wire: &Wire) -> Option<String> {
        let open = Request::get("/v1/client/orders?open=true");
        let page = wire.sure(&self.client.token, &open).await.yes();
        let open = page["items"].as_array().unwrap();
        assert!(open.len() <= 1, "one open quick order per car (QO-7): {page}");
        open.first().map(|order| order["id"].as_str().unwrap().to_owned())
    }

    /// At the end: every answered command of every order is there, and there is no order without an
    /// answer.
    pub async fn prove(
        &mut self,
        wire: &Wire,
        support: &str,
        told: &[&truth::Versions],
        outages: &[truth::Outage],
    ) {
        let mut placed = truth::orders_of(wire, &self.client.token).await;
        placed.sort();
        let mut answered: Vec<String> = self.journal.keys().cloned().collect();
        answered.sort();
        assert_eq!(placed, answered, "what was placed, and what was answered");
        for (id, answered) in &self.journal {
            let whole = Whole::read(wire, support, id).await;
            for (version, intent) in &answered.steps {
                assert_eq!(whole.intent(*version), Some(*intent), "{id} {version}");
            }
            assert_eq!(whole.positions, answered.positions, "{id}: positions");
            assert!(whole.is_over(), "{id} is {}", whole.status);
            whole.owes_what_the_rules_say(outages);
            let all: Vec<i64> = (1..=whole.version).collect();
            for told in told {
                assert_eq!(told.get(id), Some(&all), "{id}: what was told");
            }
        }
    }
}
