//! One contended wallet: 64 concurrent acceptances on a balance that covers exactly some of them.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use crate::city::{COMMISSION, City, as_staff};
use crate::ground::{Backend, Ground};
use crate::server::Server;
use crate::truth;
use crate::wire::Request;

const OFFERS: usize = 64;
/// The acceptances the balance covers, exactly down to the floor.
const COVERED: usize = 20;
const FLOOR: i64 = -500;
const CREDIT: i64 = 20_000;

/// A final amount above 1000 AZN whose commission (3 %, floored) is this.
fn amount_that_costs(commission: i64) -> i64 {
    (commission * 100 + 2) / 3
}

async fn exactly_to_the_floor(backend: Backend) {
    let ground = Ground::new(backend).await;
    let city = City::found(&ground, 1, OFFERS + 1, CREDIT).await;
    let (branch, server) = (&city.branches[0], Server::start(&ground).await);
    let wire = &server.wire;
    // A first order takes the rest of the balance: a capture is never blocked by the floor (COM-3).
    let (first, others) = city.clients.split_first().unwrap();
    let id = first.places(wire, branch).await;
    let offers = join_all(others.iter().map(|client| client.places(wire, branch))).await;
    let left = i64::try_from(COVERED).unwrap() * COMMISSION + FLOOR;
    let dear = json!({"final_amount": amount_that_costs(CREDIT - left)});
    for (act, version, body) in
        [("accept", 1, &json!({})), ("admit", 2, &json!({})), ("complete", 3, &dear)]
    {
        let ask = as_staff(&id, act, body).if_match(version);
        wire.sure(&branch.owner, &ask).await.yes();
    }
    assert_eq!(branch.balance(wire).await["available"]["amount"], left);

    let accept = |id: &String| as_staff(id, "accept", &json!({})).if_match(1);
    let accepts: Vec<Request> = offers.iter().map(accept).collect();
    let began = Instant::now();
    let answers = join_all(accepts.iter().map(|ask| wire.sure(&branch.operator, ask))).await;
    println!("{backend:?}: {OFFERS} acceptances on one wallet took {:?}", began.elapsed());
    let accepted = answers.iter().filter(|answer| answer.is_yes()).count();
    assert_eq!(accepted, COVERED);
    for answer in answers.iter().filter(|answer| !answer.is_yes()) {
        let told = (answer.status, answer.code());
        assert_eq!(told, (409, "insufficient_balance"), "{}", answer.text);
    }
    let balance = branch.balance(wire).await;
    assert_eq!(balance["available"]["amount"], FLOOR, "{balance}");
    let held = i64::try_from(COVERED).unwrap() * COMMISSION;
    assert_eq!(balance["held"]["amount"], held, "{balance}");
    truth::books_are_right(&ground, server, &city.support).await;
}

/// BAL-2, BAL-6, ORD-3, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_wallet_ends_exactly_at_its_floor_on_sqlite() {
    exactly_to_the_floor(Backend::Sqlite).await;
}

/// BAL-2, BAL-6, ORD-3, on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_wallet_ends_exactly_at_its_floor_on_postgres() {
    exactly_to_the_floor(Backend::Postgres).await;
}
