//! Clients that disconnect in the middle of a request: whatever the request began in the database
//! ends by itself. Later answers to others are committed, and visible at once.

use std::time::Duration;

use chrono::{Datelike as _, SecondsFormat};
use entity::order;
use entity::value::OrderId;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, EntityTrait as _, Statement};

use platform::db::{Db, DbLimits};

use crate::city::City;
use crate::delay::delaying;
use crate::ground::{Backend, Ground};
use crate::kills::seed;
use crate::load::until;
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wait;
use crate::wire::Request;

/// Resets of the snapshot route, and of each other route.
const RESETS: usize = 60;
const RESETS_OF_OTHERS: usize = 12;
/// Concurrent requests.
const CROWD: usize = 6;
/// When the connection is reset, microseconds after the request was sent.
const CUT_US: std::ops::Range<u64> = 300..45_000;
/// Latency between the node and PostgreSQL, each way.
const LATENCY: Duration = Duration::from_millis(3);
const CLIENTS: usize = 24;

/// The requests that are reset: tokens and requests of every part of the API.
fn others(city: &City, order: &str) -> Vec<(String, Request)> {
    let (client, branch) = (&city.clients[0], &city.branches[0]);
    let today = wait::now();
    let date = today.format("%F");
    let month = format!("{:04}-{:02}", today.year(), today.month());
    let asks = [
        (&client.token, "/v1/client/orders?limit=100".to_owned()),
        (&client.token, "/v1/feed/events?after=0".to_owned()),
        (&client.token, "/v1/feed/events?after=100000&wait=1".to_owned()),
        (&client.token, format!("/v1/client/orders/{order}")),
        (&branch.owner, format!("/v1/feed/snapshot?audience=branch:{}", branch.id)),
        (&branch.owner, format!("/v1/partner/calendar?date={date}&view=week")),
        (&branch.owner, format!("/v1/partner/statements/{month}")),
        (&branch.owner, format!("/v1/partner/orders/{order}/charges")),
        (&branch.owner, "/v1/partner/orders?open=true".to_owned()),
        (&city.support, format!("/v1/support/orders/{order}")),
        (&city.support, "/v1/support/proof".to_owned()),
    ];
    asks.into_iter().map(|(token, path)| (token.clone(), Request::get(path))).collect()
}

/// The node's sessions that are idle in a transaction.
async fn idle_in_transaction(db: &Db) -> i64 {
    let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
               AND state LIKE 'idle in transaction%'";
    let row = db.read.query_one_raw(Statement::from_string(db.backend, sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

async fn nothing_is_left_behind(backend: Backend) {
    let mut ground = Ground::new(backend).await;
    let mut dice = StdRng::seed_from_u64(seed("resets"));
    let city = City::found(&ground, 1, CLIENTS, 1_000_000).await;
    if backend != Backend::Sqlite {
        let url = ground.url().to_owned();
        let (head, tail) = url.rsplit_once('@').unwrap();
        let (host, name) = tail.split_once('/').unwrap();
        let near = delaying(host.to_owned(), LATENCY).await;
        ground.sets("YUMO__DATABASE__URL", &format!("{head}@{near}/{name}"));
    }
    let server = Server::start(&ground).await;
    let wire = &server.wire;
    let first = city.clients[0].places(wire, &city.branches[0]).await;
    let mut left: Vec<(String, Request)> = Vec::new();
    let snapshot = Request::get("/v1/feed/snapshot");
    left.extend((0..RESETS).map(|n| (city.clients[n % CLIENTS].token.clone(), snapshot.clone())));
    let others = others(&city, &first);
    left.extend((0..RESETS_OF_OTHERS).flat_map(|_| others.clone()));
    let left: Vec<_> = left
        .into_iter()
        .map(|asked| (asked, Duration::from_micros(dice.random_range(CUT_US))))
        .collect();
    for some in left.chunks(CROWD) {
        join_all(some.iter().map(|((token, ask), after)| wire.resets(token, ask, *after))).await;
    }

    let beside = ground.beside(DbLimits::default()).await;
    let mut placed = vec![first];
    for client in &city.clients[1..] {
        let id = client.places(wire, &city.branches[0]).await;
        let key = OrderId(id.parse().unwrap());
        let seen = order::Entity::find_by_id(key).all(&beside.read).await.unwrap();
        assert_eq!(seen.len(), 1, "{id} was answered, and others see it");
        placed.push(id);
    }
    if beside.backend == DatabaseBackend::Postgres {
        let nobody = async || idle_in_transaction(&beside).await == 0;
        until("nobody waits inside a transaction", nobody).await;
    }
    beside.read.close().await.unwrap();
    beside.write.close().await.unwrap();
    assert_eq!(server.errors(), [""; 0], "it noticed something");
    server.stop().await;

    let server = Server::start(&ground).await;
    for id in &placed {
        let whole = Whole::read(&server.wire, &city.support, id).await;
        assert_eq!(whole.intent(1), Some("place"), "{:?}", whole.all);
    }
    let at = wait::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    println!("{backend:?}: {} requests left, all there at {at}", left.len());
    truth::books_are_right(&ground, server, &city.support).await;
}

/// ORD-2, NOT-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_leave_nothing_behind_on_sqlite() {
    nothing_is_left_behind(Backend::Sqlite).await;
}

/// ORD-2, NOT-6, on PostgreSQL with some milliseconds of latency.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_leave_nothing_behind_on_postgres() {
    nothing_is_left_behind(Backend::Postgres).await;
}
