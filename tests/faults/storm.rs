//! Contention on a calendar: ten thousand requests for a hundred slots. Exactly a hundred are held,
//! every other request gets a reason and alternatives, and the occupancy cells agree (BK-2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use sea_orm::EntityTrait as _;
use serde_json::json;

use crate::city::{Branch, City, Client};
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::kills::seed;
use crate::server::Server;
use crate::truth;
use crate::wait;
use crate::wire::{Request, Wire};

const BAYS: usize = 5;
const STARTS: i32 = 20;
const SLOTS: usize = 100;
/// Each client asks for every start once, in its own order: 500 in flight, 10,000 in all.
const CLIENTS: usize = 500;

/// The answers: held slots by start, and refusals by code.
#[derive(Default)]
struct Outcome {
    held: BTreeMap<DateTime<Utc>, BTreeSet<String>>,
    refused: BTreeMap<String, usize>,
}

async fn ask_for_all(
    wire: &Wire,
    (branch, client): (&Branch, &Client),
    starts: &[DateTime<Utc>],
    outcome: &Mutex<Outcome>,
) {
    for start in starts {
        let mut wish = client.wish(branch);
        wish["kind"] = json!("booking");
        wish["starts_at"] = json!(start);
        let answer = wire.sure(&client.token, &Request::post("/v1/client/orders", &wish)).await;
        let mut outcome = outcome.lock().unwrap();
        if answer.is_yes() {
            let id = answer.body["id"].as_str().unwrap().to_owned();
            outcome.held.entry(*start).or_default().insert(id);
            continue;
        }
        assert_eq!(answer.status, 409, "{}", answer.text);
        let code = answer.code().to_owned();
        assert!(!answer.body["title"].as_str().unwrap().is_empty(), "{}", answer.text);
        let alternatives = answer.body["alternatives"].as_array();
        let alternatives = alternatives.unwrap_or_else(|| panic!("{}", answer.text));
        assert!(!alternatives.is_empty(), "days after it are free: {}", answer.text);
        *outcome.refused.entry(code).or_default() += 1;
    }
}

async fn stormed(backend: Backend) {
    let ground = Ground::new(backend).await;
    let mut dice = StdRng::seed_from_u64(seed("storm"));
    let city = City::with_bays(&ground, 1, CLIENTS, 100_000_000, BAYS).await;
    let (branch, server) = (&city.branches[0], Server::start(&ground).await);
    let wire = &server.wire;
    // Half an hour each, from tomorrow's 05:00 UTC on.
    let tomorrow = wait::now().duration_trunc(TimeDelta::days(1)).unwrap() + TimeDelta::hours(29);
    let starts: Vec<_> = (0..STARTS).map(|n| tomorrow + TimeDelta::minutes(30) * n).collect();
    let outcome = Mutex::new(Outcome::default());
    let all = city.clients.iter().map(|client| {
        let mut mine = starts.clone();
        mine.shuffle(&mut dice);
        let outcome = &outcome;
        async move { ask_for_all(wire, (branch, client), &mine, outcome).await }
    });
    join_all(all).await;
    let Outcome { held, refused } = outcome.into_inner().unwrap();
    println!(
        "{backend:?}: held {}, refused {refused:?}",
        held.values().map(BTreeSet::len).sum::<usize>()
    );
    assert_eq!(held.len(), starts.len(), "every start was had");
    for (start, orders) in &held {
        assert_eq!(orders.len(), BAYS, "at {start}");
    }
    let asked = CLIENTS * starts.len();
    assert_eq!(refused, BTreeMap::from([("slot_taken".to_owned(), asked - SLOTS)]));
    Feed::new(&branch.owner, format!("branch:{}", branch.id)).prove_whole(wire).await;
    let id = branch.id.clone();
    truth::books_are_right(&ground, server, &city.support).await;
    ticks_say_the_same(&ground, &id, &held).await;
}

/// Six occupancy cells of a bay and six of a car for each held slot, and no other cell.
async fn ticks_say_the_same(
    ground: &Ground,
    branch: &str,
    held: &BTreeMap<DateTime<Utc>, BTreeSet<String>>,
) {
    let db = ground.db().await;
    let bays: BTreeSet<_> = entity::bay::Entity::find()
        .all(&db.read)
        .await
        .unwrap()
        .into_iter()
        .map(|b| b.id.0)
        .collect();
    assert_eq!(bays.len(), BAYS, "{branch}");
    let ticks = entity::occupancy::Entity::find().all(&db.read).await.unwrap();
    let (of_bays, of_cars): (Vec<_>, Vec<_>) =
        ticks.iter().partition(|tick| bays.contains(&tick.resource));
    assert_eq!((of_bays.len(), of_cars.len()), (SLOTS * 6, SLOTS * 6));
    let mut expected = BTreeSet::new();
    for (start, orders) in held {
        for (order, n) in orders.iter().flat_map(|order| (0..6).map(move |n| (order, n))) {
            expected.insert((start.timestamp() / 300 + n, order.clone()));
        }
    }
    let standing: BTreeSet<_> =
        of_bays.iter().map(|tick| (tick.n, tick.holder.to_string())).collect();
    assert_eq!(standing, expected);
}

/// BK-2, BK-9, ORD-2, ORD-3, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_want_a_hundred_slots_on_sqlite() {
    stormed(Backend::Sqlite).await;
}

/// BK-2, BK-9, ORD-2, ORD-3, with PostgreSQL and Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_want_a_hundred_slots_on_postgres() {
    stormed(Backend::Cluster).await;
}
