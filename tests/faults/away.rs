//! Recovery from an outage: the database, or the node itself, was away over deadlines, and commands
//! are sent at the moment it returns (OUT-1).

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::city::{City, as_client, as_staff};
use crate::deadlines::instant;
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::link::{Flow, Proxy};
use crate::outage::{ARRIVAL, OFFER, Past};
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wait;
use crate::wire::{Answer, Request, Wire};

/// Orders whose arrival deadline falls into the outage, and the same number of offers.
const EACH: usize = 6;
/// The heartbeat: a node counts as away after three missed beats, and a busy machine may delay a
/// process for seconds.
const HEARTBEAT_MS: &str = "2000";
/// The least length of the outage: three heartbeats and some more.
const AWAY: Duration = Duration::from_secs(10);
/// The same with a heartbeat of four seconds.
const BOTH_AWAY: Duration = Duration::from_secs(15);
/// Time to start a server on a busy machine before the deadlines; the next one is tried if it was
/// too short.
const LEAD_S: [i64; 4] = [4, 12, 36, 108];
/// Deadlines lie one and two seconds after the beginning of the outage.
const MARGIN: TimeDelta = TimeDelta::seconds(1);
/// When a node must have noticed that its database is silent: three beats, or a look's time limit.
const NOTICED_MAX: Duration = Duration::from_secs(10);
/// When it must serve again, once it can be reached.
const BACK_MAX: Duration = Duration::from_secs(30);
/// What the last confirmed moment may lie before the outage's beginning.
const CONFIRMED_WITHIN: TimeDelta = TimeDelta::seconds(8);

/// What is away, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    /// The process is suspended: SIGSTOP, SIGCONT.
    Node,
    /// PostgreSQL answers nothing for a time.
    Frozen,
    /// PostgreSQL is stopped: its connections are closed.
    Cut,
    /// Connections to PostgreSQL are forgotten: they stay open, and nothing comes of them any more.
    Silent,
}

/// The requests sent at the moment of return.
struct Sent {
    no_shows: Vec<Answer>,
    accepts: Vec<Answer>,
    quotes: Vec<Answer>,
}

async fn send(wire: &Wire, city: &City, late: &[String], offered: &[String]) -> Sent {
    let (owner, none) = (&city.branches[0].owner, json!({}));
    // No-shows of deadlines inside the outage, cancel quotes, and acceptances of such offers.
    let no_shows: Vec<Request> = late.iter().map(|id| as_staff(id, "no-show", &none)).collect();
    let accepts: Vec<Request> =
        offered.iter().map(|id| as_staff(id, "accept", &none).if_match(1)).collect();
    let quotes: Vec<Request> = late
        .iter()
        .map(|id| Request::get(format!("/v1/client/orders/{id}/cancellation-quote")))
        .collect();
    let quoted =
        quotes.iter().zip(&city.clients).map(|(ask, client)| again(wire, &client.token, ask));
    let (no_shows, accepts, quotes) = tokio::join!(
        join_all(no_shows.iter().map(|ask| again(wire, owner, ask))),
        join_all(accepts.iter().map(|ask| again(wire, owner, ask))),
        join_all(quoted),
    );
    Sent { no_shows, accepts, quotes }
}

/// Retries as an app does: after a 503 the same request is sent again.
async fn again(wire: &Wire, token: &str, ask: &Request) -> Answer {
    loop {
        let answer = wire.sure(token, ask).await;
        if answer.status != 503 {
            return answer;
        }
        wait::pause(Duration::from_millis(100)).await;
    }
}

/// Places the orders: the first half is accepted and awaits its client, the others are offered.
async fn orders(city: &City, server: &Server) -> (Vec<String>, Vec<String>) {
    let (wire, branch) = (&server.wire, &city.branches[0]);
    let ids = join_all(city.clients.iter().map(|client| client.places(wire, branch))).await;
    let (late, offered) = ids.split_at(EACH);
    let owner = &branch.owner;
    join_all(late.iter().map(async |id| {
        wire.sure(owner, &as_staff(id, "accept", &json!({})).if_match(1)).await.yes();
    }))
    .await;
    (late.to_vec(), offered.to_vec())
}

fn signal(server: &Server, name: &str) {
    server.signal(name);
}

/// Begins the outage; returns the instant before it.
fn begin(server: &Server, proxy: Option<&Proxy>, away: Away) -> DateTime<Utc> {
    let before = wait::now();
    match (away, proxy) {
        (Away::Node, _) => signal(server, "-STOP"),
        (Away::Frozen, Some(proxy)) => proxy.set(Flow::Frozen),
        (Away::Cut, Some(proxy)) => proxy.set(Flow::Cut),
        (Away::Silent, Some(proxy)) => proxy.set(Flow::Silent),
        (Away::Frozen | Away::Cut | Away::Silent, None) => panic!("the database has no proxy"),
    }
    before
}

async fn at_the_instant_of_return(backend: Backend, away: Away) {
    for lead in LEAD_S {
        if tried(backend, away, TimeDelta::seconds(lead)).await {
            return;
        }
        println!("the machine is slow: no server started within {lead} s");
    }
    panic!("no server started in time");
}

/// One attempt; false when the server started so late that the deadlines were over.
async fn tried(backend: Backend, away: Away, lead: TimeDelta) -> bool {
    let mut ground = Ground::new(backend).await;
    ground.set("YUMO__TIMERS__HEARTBEAT_MS", HEARTBEAT_MS);
    let proxy = ground.database_address();
    let proxy = match proxy {
        Some(target) => Some(Proxy::to(target).await),
        None => None,
    };
    if let Some(proxy) = &proxy {
        ground.database_through(&proxy.addr.to_string());
    }
    let city = City::found(&ground, 1, 2 * EACH, 1_000_000).await;
    let server = Server::start(&ground).await;
    let (late, offered) = orders(&city, &server).await;
    server.stop().await;
    let due = wait::now().trunc_subsecs(6) + lead;
    let past = Past(ground.db().await);
    for id in &late {
        past.due(id, ARRIVAL, due).await;
    }
    for id in &offered {
        past.due(id, OFFER, due + MARGIN).await;
    }
    past.close().await;

    let server = Server::start(&ground).await;
    if wait::now() > due - MARGIN {
        return false;
    }
    wait::until(due - MARGIN).await;
    let down = begin(&server, proxy.as_ref(), away);
    if wait::now() > due {
        return false;
    }
    wait::pause(AWAY).await;
    let up = wait::now();
    assert!(up > due + MARGIN * 2, "the deadlines lie in the outage");
    let sent = async { send(&server.wire, &city, &late, &offered).await };
    let back = async {
        // A request sent now waits for the suspended part.
        wait::pause(Duration::from_millis(200)).await;
        match (away, &proxy) {
            (Away::Node, _) => signal(&server, "-CONT"),
            (_, Some(proxy)) => proxy.set(Flow::Open),
            (_, None) => {}
        }
    };
    let (sent, ()) = tokio::join!(sent, back);
    nobody_pays(&server, &city, &late, &sent).await;
    one_outage(&server.wire, &city.support, (down, up)).await;
    for id in late.iter().chain(&offered) {
        truth::force_cancel(&server.wire, &city.support, id).await;
    }
    let mut feed = Feed::new(&city.branches[0].owner, format!("branch:{}", city.branches[0].id));
    feed.prove_whole(&server.wire).await;
    truth::books_prove_right(&ground, server, &city.support).await;
    true
}

/// No fee, and no refused acceptance.
async fn nobody_pays(server: &Server, city: &City, late: &[String], sent: &Sent) {
    for answer in &sent.no_shows {
        assert_eq!((answer.status, answer.code()), (409, "not_late_yet"), "{}", answer.text);
    }
    for answer in &sent.accepts {
        assert_eq!(answer.body["status"], "confirmed", "{} {}", answer.status, answer.text);
    }
    for answer in &sent.quotes {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for (id, client) in late.iter().zip(&city.clients) {
        let whole = Whole::read(&server.wire, &city.support, id).await;
        whole.blameless();
        assert_eq!(whole.status, "confirmed", "{:?}", whole.all);
        // The clients go on as usual.
        let depart = as_client(id, "depart", &json!({}));
        server.wire.sure(&client.token, &depart).await.yes();
    }
}

/// One outage is one row, from the last confirmed moment until the return.
async fn one_outage(wire: &Wire, support: &str, (down, up): (DateTime<Utc>, DateTime<Utc>)) {
    let report = wire.sure(support, &Request::get("/v1/support/outages")).await.yes();
    let rows: Vec<&Value> = report["items"].as_array().unwrap().iter().collect();
    // The restart during setup affected nobody: no row, or one that ended before.
    let rows: Vec<&&Value> = rows.iter().filter(|row| instant(&row["up_at"]) > down).collect();
    assert_eq!(rows.len(), 1, "{report}");
    let (from, until) = (instant(&rows[0]["down_at"]), instant(&rows[0]["up_at"]));
    assert!(from <= down + TimeDelta::seconds(1) && from > down - CONFIRMED_WITHIN, "{report}");
    assert!(until >= up, "it ended {until}, and we were away until {up}: {report}");
    assert!(until <= wait::now(), "{report}");
    assert_eq!(rows[0]["orders_touched"], 2 * EACH, "{report}");
}

/// OUT-1, QO-5, PEN-2: a resumed node moves deadlines before it serves; on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_node_charges_nobody_on_sqlite() {
    at_the_instant_of_return(Backend::Sqlite, Away::Node).await;
}

/// OUT-1, QO-5, PEN-2: the same with PostgreSQL and Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_node_charges_nobody_on_postgres() {
    at_the_instant_of_return(Backend::Cluster, Away::Node).await;
}

/// OUT-1, QO-2, QO-5: a database that answers nothing for a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_database_charges_nobody() {
    at_the_instant_of_return(Backend::Postgres, Away::Frozen).await;
}

/// OUT-1, QO-2, QO-5: a database that is stopped and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_database_charges_nobody() {
    at_the_instant_of_return(Backend::Postgres, Away::Cut).await;
}

/// OUT-1, QO-2, QO-5: connections to the database that went silent and never come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_to_the_database_charge_nobody() {
    at_the_instant_of_return(Backend::Postgres, Away::Silent).await;
}

/// OUT-1: with silent connections a node says within a bounded time that it is not ready, decides
/// nothing, and goes on by itself on new connections; again and again, so that none is lost to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_leaves_silent_connections() {
    let mut ground = Ground::new(Backend::Cluster).await;
    let proxy = Proxy::to(ground.database_address().unwrap()).await;
    ground.database_through(&proxy.addr.to_string());
    ground.set("YUMO__DATABASE__STATEMENT_MAX_S", "4");
    ground.set("YUMO__DATABASE__CONNECTIONS", "4");
    ground.set("YUMO__DATABASE__WRITE_CONNECTIONS", "4");
    let city = City::found(&ground, 1, 3, 1_000_000).await;
    let server = Server::start(&ground).await;
    let health = Request::get("/health/ready");
    for (n, client) in city.clients.iter().enumerate() {
        proxy.set(Flow::Silent);
        let began = Instant::now();
        while server.wire.sure("", &health).await.status == 200 {
            assert!(began.elapsed() < NOTICED_MAX, "it is ready without a database");
            wait::pause(Duration::from_millis(100)).await;
        }
        // People go on asking, more at once than there are connections.
        let place = Request::post("/v1/client/orders", &client.wish(&city.branches[0]));
        let asks = (0..12).map(|_| server.wire.sure(&client.token, &place));
        for answer in join_all(asks).await {
            assert_eq!(answer.status, 503, "{}", answer.text);
        }
        proxy.set(Flow::Open);
        let back = Instant::now();
        while server.wire.sure("", &health).await.status != 200 {
            assert!(back.elapsed() < BACK_MAX, "it never comes back");
            wait::pause(Duration::from_millis(100)).await;
        }
        println!("noticed after {:?}, back after {:?}", began.elapsed(), back.elapsed());
        lands(&server, &city, n).await;
    }
    truth::books_prove_right(&ground, server, &city.support).await;
}

/// A command that lands at this node, as soon as it decides again.
async fn lands(server: &Server, city: &City, client: usize) {
    let client = &city.clients[client];
    let place = Request::post("/v1/client/orders", &client.wish(&city.branches[0]));
    again(&server.wire, &client.token, &place).await.yes();
}

async fn rows_since(server: &Server, city: &City, since: DateTime<Utc>) -> usize {
    let report = server.wire.sure(&city.support, &Request::get("/v1/support/outages")).await.yes();
    let rows = report["items"].as_array().unwrap();
    rows.iter().filter(|row| instant(&row["up_at"]) > since).count()
}

/// OUT-1: of two nodes one is suspended while the other serves, which is no outage; then both are,
/// which is recorded once, however many of them detect it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_have_one_outage_only_when_both_are_away() {
    let mut ground = Ground::new(Backend::Cluster).await;
    // A node counts as away after three beats: a busy machine may delay a process for seconds.
    ground.set("YUMO__TIMERS__HEARTBEAT_MS", "4000");
    let city = City::found(&ground, 1, 4, 1_000_000).await;
    let (one, two) = (Server::start(&ground).await, Server::start(&ground).await);
    let began = wait::now();
    one.signal("-STOP");
    wait::pause(BOTH_AWAY).await;
    one.signal("-CONT");
    lands(&one, &city, 0).await;
    lands(&two, &city, 1).await;
    assert_eq!(rows_since(&two, &city, began).await, 0, "the other node served");
    let began = wait::now();
    one.signal("-STOP");
    two.signal("-STOP");
    wait::pause(BOTH_AWAY).await;
    one.signal("-CONT");
    two.signal("-CONT");
    tokio::join!(lands(&one, &city, 2), lands(&two, &city, 3));
    assert_eq!(rows_since(&one, &city, began).await, 1, "one outage is one row");
    two.stop().await;
    truth::books_prove_right(&ground, one, &city.support).await;
}
