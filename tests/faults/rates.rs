//! Rates over several nodes: two nodes on one PostgreSQL and one Redis give a session together what
//! one node alone would; without Redis each goes by itself, and they find each other again.

use std::time::{Duration, Instant};

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::link::{Flow, Proxy};
use crate::server::Server;
use crate::wait::pause;
use crate::wire::Request;

const BURST: usize = 240;
/// Nodes tell each other of a bucket once this much of it is used.
const TOLD_FROM: usize = BURST / 8;
/// Several times what nodes need to tell each other, or to find Redis again.
const TOLD: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// Two nodes that reach Redis through a proxy.
struct Pair {
    one: Server,
    two: Server,
    redis: Proxy,
    city: City,
    _ground: Ground,
}

async fn pair(burst: usize, per_s: usize) -> Pair {
    let mut ground = Ground::new(Backend::Cluster).await;
    let city = City::found(&ground, 0, 4, 0).await;
    let url = std::env::var("YUMO_TEST_REDIS").unwrap();
    let redis = Proxy::to(url.trim_start_matches("redis://").to_owned()).await;
    ground.set("YUMO__BUS__REDIS_URL", &format!("redis://{}", redis.addr));
    ground.set("YUMO__HTTP__RATE_SESSION_BURST", &burst.to_string());
    ground.set("YUMO__HTTP__RATE_SESSION_PER_S", &per_s.to_string());
    let (one, two) = (Server::start(&ground).await, Server::start(&ground).await);
    Pair { one, two, redis, city, _ground: ground }
}

/// Asks the lightest question; was it answered?
async fn served(server: &Server, token: &str) -> bool {
    let answer = server.wire.sure(token, &Request::get("/v1/auth/me")).await;
    match answer.status {
        200 => true,
        429 => {
            assert_eq!(answer.code(), "rate_limited");
            assert!(answer.retry_after.is_some());
            false
        }
        other => panic!("{other}: {}", answer.text),
    }
}

/// Asks until it is refused, so many times at most; how often it was served.
async fn spends(server: &Server, token: &str, most: usize) -> usize {
    for n in 0..most {
        if !served(server, token).await {
            return n;
        }
    }
    most
}

/// Whoever spent a bucket at one node has little left at the other: what the other gave before it
/// told of the bucket, and what was gained since.
async fn together(pair: &Pair, token: &str, when: &str) {
    let began = Instant::now();
    let first = spends(&pair.one, token, BURST * 2).await;
    // A few may have been spent before.
    assert!(first + 8 >= BURST, "{when}: refused after {first}");
    pause(TOLD).await;
    let before = spends(&pair.two, token, TOLD_FROM + 1).await;
    pause(TOLD).await;
    let after = spends(&pair.two, token, BURST).await;
    let gained = usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    let most = BURST + TOLD_FROM + 1 + gained;
    let all = first + before + after;
    println!("{when}: {first} at one node, {before} and {after} at the other, {gained} gained");
    assert!(all <= most, "{when}: {all} of {most} were served");
}

/// LIM-9: two nodes count together; with Redis away each limits alone and serves on; when it is
/// back they count together again, and know what was spent meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_limit_together_and_alone_without_redis() {
    let pair = pair(BURST, 1).await;
    let [anar, leyla, murad, nigar] = [0, 1, 2, 3].map(|n: usize| &pair.city.clients[n].token);
    together(&pair, anar, "with Redis").await;
    for flow in [Flow::Cut, Flow::Frozen] {
        let token = if flow == Flow::Cut { leyla } else { murad };
        pair.redis.set(flow);
        for node in [&pair.one, &pair.two] {
            let alone = spends(node, token, BURST * 2).await;
            assert!((BURST..BURST + TOLD_FROM).contains(&alone), "{flow:?}: {alone} at one node");
            assert!(served(node, nigar).await, "{flow:?}: somebody else is refused");
            let ready = node.wire.sure("", &Request::get("/health/ready")).await;
            assert_eq!(ready.status, 200, "{}", ready.text);
        }
        pair.redis.set(Flow::Open);
        pause(TOLD).await;
    }
    together(&pair, nigar, "with Redis again").await;
}

/// LIM-9: what is spent while Redis is away is told when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_spent_without_redis_is_told_afterwards() {
    let pair = pair(BURST, 1).await;
    let token = &pair.city.clients[0].token;
    pair.redis.set(Flow::Cut);
    let first = spends(&pair.one, token, BURST * 2).await;
    assert!(first >= BURST);
    pause(TOLD).await;
    pair.redis.set(Flow::Open);
    pause(TOLD).await;
    spends(&pair.two, token, TOLD_FROM + 1).await;
    pause(TOLD).await;
    let after = spends(&pair.two, token, BURST).await;
    assert!(after <= TOLD_FROM, "{after} were served at the other node");
}

/// LIM-9: a device that asks each of two nodes for just what a bucket gains gets no more than from
/// one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_little_from_each_node_is_not_twice_as_much() {
    let pair = pair(80, 20).await;
    let token = &pair.city.clients[0].token;
    let began = Instant::now();
    // 16 a second from each node, 32 in all: the bucket is empty after seven seconds.
    loop {
        assert!(began.elapsed() < PATIENCE, "two nodes give twice as much as one");
        pause(Duration::from_millis(250)).await;
        for node in [&pair.one, &pair.two] {
            if spends(node, token, 4).await < 4 {
                return;
            }
        }
    }
}
