//! Contention: 64 writers on the same four orders of one branch. Every step of every order was made
//! by exactly one answered command, and the numbers of both feeds have no gap.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::city::{Branch, City, Client, PRICE, as_client, as_staff, at_gate};
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::kills::seed;
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wire::{Request, Wire};

const WRITERS: usize = 64;
const ORDERS: usize = 4;
const LASTS: Duration = Duration::from_secs(5);

/// The newest order of one client, shared by all writers: its id and version.
type Known = Mutex<(String, i64)>;

/// Per order: the step of each answered command, and the positions answered as stored.
#[derive(Default)]
struct Claims {
    steps: HashMap<String, BTreeMap<i64, &'static str>>,
    positions: HashMap<String, usize>,
    answers: BTreeMap<String, usize>,
}

struct Crowd<'a> {
    wire: &'a Wire,
    branch: &'a Branch,
    clients: &'a [Client],
    known: [Known; ORDERS],
    claims: Mutex<Claims>,
}

impl Crowd<'_> {
    /// Runs one writer until the time is over.
    async fn write(&self, seed: u64) {
        let mut dice = StdRng::seed_from_u64(seed);
        let began = Instant::now();
        while began.elapsed() < LASTS {
            let n = dice.random_range(0..ORDERS);
            let (id, seen) = self.known[n].lock().unwrap().clone();
            let (token, ask, intent) = self.act(&mut dice, n, &id, seen);
            let answer = self.wire.sure(token, &ask).await;
            assert!(answer.status < 500 || answer.code() == "contended", "{}", answer.text);
            let position = ask.path.ends_with("/positions");
            let mut claims = self.claims.lock().unwrap();
            let told = if answer.is_yes() { intent } else { answer.code() }.to_owned();
            *claims.answers.entry(told).or_default() += 1;
            let order = if answer.is_yes() { &answer.body } else { &answer.body["order"] };
            if position && answer.is_yes() {
                *claims.positions.entry(id).or_default() +=
                    usize::from(answer.body["kept"] == true);
            } else if let (Some(id), Some(version)) =
                (order["id"].as_str(), order["version"].as_i64())
            {
                if answer.is_yes() {
                    let steps = claims.steps.entry(id.to_owned()).or_default();
                    let other = steps.insert(version, intent);
                    assert!(other.is_none(), "{id} {version}: {intent} and {other:?}");
                }
                let mut known = self.known[n].lock().unwrap();
                if *id > *known.0 || (id == known.0 && version > known.1) {
                    *known = (id.to_owned(), version);
                }
            }
        }
    }

    fn act(
        &self,
        dice: &mut StdRng,
        n: usize,
        id: &str,
        seen: i64,
    ) -> (&str, Request, &'static str) {
        let (client, branch, none) = (&self.clients[n], self.branch, json!({}));
        let near = at_gate(dice);
        let both = json!({"service_ids": [branch.service, branch.extra]});
        let (why, amount) = (json!({"reason": "növbə"}), json!({"final_amount": PRICE + 500}));
        let wish = client.wish(branch);
        match dice.random_range(0..100) {
            0..10 => (&client.token, Request::post("/v1/client/orders", &wish), "place"),
            10..30 => (&branch.owner, as_staff(id, "accept", &none).if_match(seen), "accept"),
            30..40 => (&client.token, as_client(id, "depart", &none), "depart"),
            40..65 => (&client.token, as_client(id, "positions", &near), "arrive"),
            65..67 => (&branch.operator, as_staff(id, "extend", &none), "extend"),
            67..72 => (&branch.operator, as_staff(id, "admit", &none), "admit"),
            72..90 => {
                let path = format!("/v1/partner/orders/{id}/services");
                let ask = Request::patch(path, &both).if_match(seen);
                (&branch.owner, ask, "change_services")
            }
            90..96 => (&branch.owner, as_staff(id, "complete", &amount).if_match(seen), "complete"),
            96..98 => (&branch.operator, as_staff(id, "decline", &why), "decline"),
            _ => (&branch.operator, as_staff(id, "cancel", &why), "cancel"),
        }
    }
}

async fn crowded(backend: Backend) {
    let ground = Ground::new(backend).await;
    let mut dice = StdRng::seed_from_u64(seed("crowding"));
    let city = City::found(&ground, 1, ORDERS, 100_000_000).await;
    let (branch, server) = (&city.branches[0], Server::start(&ground).await);
    let crowd = Crowd {
        wire: &server.wire,
        branch,
        clients: &city.clients,
        known: std::array::from_fn(|_| Mutex::new((uuid::Uuid::nil().to_string(), 0))),
        claims: Mutex::default(),
    };
    join_all((0..WRITERS).map(|_| crowd.write(dice.random()))).await;

    let wire = &server.wire;
    let claims = crowd.claims.into_inner().unwrap();
    println!("{backend:?}: {} orders, answers: {:?}", claims.steps.len(), claims.answers);
    let all: usize = claims.answers.values().sum();
    let contended = claims.answers.get("contended").copied().unwrap_or_default();
    assert!(contended * 100 <= all, "{contended} of {all} gave up");
    let mut branch_feed = Feed::new(&branch.owner, format!("branch:{}", branch.id));
    let told = branch_feed.prove(wire).await;
    for client in &city.clients {
        let mut feed = Feed::new(&client.token, "client");
        for (id, versions) in feed.prove(wire).await {
            let whole = Whole::read(wire, &city.support, &id).await;
            assert_eq!(versions, (1..=whole.version).collect::<Vec<_>>(), "{id}");
            assert_eq!(told.get(&id), Some(&versions), "{id}");
            let steps = &claims.steps[&id];
            for version in versions {
                let claimed = steps.get(&version).copied();
                // The answer to an arrival by position contains no version.
                assert_eq!(whole.intent(version), claimed.or(Some("arrive")), "{id} {version}");
            }
            let positions = claims.positions.get(&id).copied().unwrap_or_default();
            assert_eq!(whole.positions, positions, "{id}");
        }
    }
    truth::books_are_right(&ground, server, &city.support).await;
}

/// ORD-2, ORD-3, NOT-6, BAL-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_the_same_orders_is_one_after_another_on_sqlite() {
    crowded(Backend::Sqlite).await;
}

/// ORD-2, ORD-3, NOT-6, BAL-6, with PostgreSQL and Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_the_same_orders_is_one_after_another_on_postgres() {
    crowded(Backend::Cluster).await;
}
