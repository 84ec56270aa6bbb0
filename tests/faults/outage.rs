//! Our own outage: a deadline inside it moves, nobody is penalised for it (OUT-1); and timers are
//! on time again right after a crash.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use entity::{heartbeat, order, timer};
use futures_util::future::join_all;
use platform::db::Db;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::city::{City, as_client, as_staff};
use crate::deadlines::{instant, last_at, over, timers};
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wait;
use crate::wire::Request;

/// The deadline of an offer, as the timers spell it.
pub const OFFER: &str = "order.offer_deadline";
/// The deadline of an arrival.
pub const ARRIVAL: &str = "order.arrival_deadline";
/// The alert that an arrived client is not admitted.
const ADMIT_ALERT: &str = "order.admit_alert";

/// The length of the outage.
const DOWN: TimeDelta = TimeDelta::minutes(10);
/// The least time left after a moved deadline (OUT-1).
const LEAST: TimeDelta = TimeDelta::seconds(60);
const GRACE: TimeDelta = TimeDelta::seconds(2);

/// The rows of a stopped engine, moved in time as if the outage had been longer.
pub struct Past(pub Db);

impl Past {
    /// Sets the last confirmed heartbeat.
    async fn beat(&self, at: DateTime<Utc>) {
        let beats = heartbeat::Entity::update_many();
        let beats = beats.col_expr(heartbeat::Column::BeatAt, Expr::value(at));
        assert!(beats.exec(&self.0.write).await.unwrap().rows_affected > 0);
    }

    /// Makes the timer due at that time, together with the order's own deadline.
    pub async fn due(&self, id: &str, kind: &str, at: DateTime<Utc>) {
        let id: Uuid = id.parse().unwrap();
        let (column, deadline) = match kind {
            OFFER => (order::Column::OfferDeadline, at - GRACE),
            ARRIVAL => (order::Column::ArrivalDeadline, at),
            ADMIT_ALERT => (order::Column::AdmitAlertAt, at),
            other => panic!("{other} is not moved here"),
        };
        let orders = order::Entity::update_many().col_expr(column, Expr::value(deadline));
        let orders = orders.filter(order::Column::Id.eq(id)).exec(&self.0.write).await.unwrap();
        let timers = timer::Entity::update_many().col_expr(timer::Column::DueAt, Expr::value(at));
        let timers = timers.filter(timer::Column::Kind.eq(kind));
        let timers = timers.filter(timer::Column::Subject.eq(id)).exec(&self.0.write).await;
        assert_eq!((orders.rows_affected, timers.unwrap().rows_affected), (1, 1));
    }

    /// Closes the database.
    pub async fn close(self) {
        self.0.read.close().await.unwrap();
    }
}

fn due_of(whole: &Whole, kind: &str) -> DateTime<Utc> {
    let timers = whole.all["timers"].as_array().unwrap();
    let timer = timers.iter().find(|timer| timer["kind"] == kind);
    instant(&timer.unwrap_or_else(|| panic!("no {kind}: {:?}", whole.all))["due_at"])
}

/// Places one order for each client, and takes the first ones further: accepted, arrived.
async fn orders(city: &City, server: &Server) -> Vec<String> {
    let (wire, branch) = (&server.wire, &city.branches[0]);
    let placed = city.clients.iter().map(|client| client.places(wire, branch));
    let ids = join_all(placed).await;
    for id in &ids[..2] {
        let accept = as_staff(id, "accept", &json!({})).if_match(1);
        wire.sure(&branch.owner, &accept).await.yes();
    }
    let arrive = as_client(&ids[1], "arrive", &json!({"code": branch.code}));
    wire.sure(&city.clients[1].token, &arrive).await.yes();
    ids
}

async fn nobody_is_penalised(backend: Backend) {
    let ground = Ground::new(backend).await;
    let city = City::found(&ground, 1, 4, 1_000_000).await;
    let branch = &city.branches[0];
    let mut server = Server::start(&ground).await;
    let ids = orders(&city, &server).await;
    let [driving, waiting, offered, later] = [0, 1, 2, 3].map(|n: usize| ids[n].as_str());
    server.kill();

    let past = Past(ground.db().await);
    let down = wait::now().trunc_subsecs(6) - DOWN;
    past.beat(down).await;
    // The time left of each deadline, from the last heartbeat on.
    let left = [
        (driving, ARRIVAL, TimeDelta::seconds(5)),
        (waiting, ADMIT_ALERT, TimeDelta::seconds(100)),
        (offered, OFFER, TimeDelta::seconds(300)),
    ];
    for (id, kind, left) in left {
        past.due(id, kind, down + left).await;
    }
    past.close().await;

    let server = Server::start(&ground).await;
    let wire = &server.wire;
    let outages = wire.sure(&city.support, &Request::get("/v1/support/outages")).await.yes();
    let outage = &outages["items"][0];
    let up = instant(&outage["up_at"]);
    assert_eq!(instant(&outage["down_at"]), down, "{outage}");
    let mut touched: Vec<&str> =
        outage["order_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    touched.sort_unstable();
    let mut expected = [driving, waiting, offered];
    expected.sort_unstable();
    assert_eq!(touched, expected, "{outage}");
    assert_eq!(outage["orders_touched"], 3);
    for (id, kind, left) in left {
        let whole = Whole::read(wire, &city.support, id).await;
        assert_eq!(due_of(&whole, kind), up + left.max(LEAST), "{kind}");
        assert_eq!(whole.steps.last().unwrap().1, "shift");
        whole.blameless();
    }
    let untouched = Whole::read(wire, &city.support, later).await;
    assert_eq!(untouched.version, 1, "its time was not over: {:?}", untouched.all);
    let offer = Whole::read(wire, &city.support, offered).await;
    assert_eq!(instant(&offer.all["order"]["offer_deadline"]) + GRACE, due_of(&offer, OFFER));

    // Everybody goes on as usual.
    let none = json!({});
    let depart = as_client(driving, "depart", &none);
    wire.sure(&city.clients[0].token, &depart).await.yes();
    wire.sure(&branch.owner, &as_staff(waiting, "admit", &none)).await.yes();
    for (id, version) in [(offered, 2), (later, 1)] {
        let accept = as_staff(id, "accept", &none).if_match(version);
        assert_eq!(wire.sure(&branch.owner, &accept).await.yes()["status"], "confirmed");
    }
    let mut feed = Feed::new(&branch.owner, format!("branch:{}", branch.id));
    feed.prove_whole(wire).await;
    assert_eq!(feed.times("order.deadline_moved"), 3);
    truth::books_are_right(&ground, server, &city.support).await;
}

/// Timers that are due soon after a crash fire from memory: no sweep has to find them.
async fn on_time_after_a_crash(backend: Backend) {
    let ground = Ground::new(backend).await;
    let city = City::found(&ground, 1, 8, 1_000_000).await;
    let mut server = Server::start(&ground).await;
    let placed = city.clients.iter().map(|client| client.places(&server.wire, &city.branches[0]));
    let ids = join_all(placed).await;
    server.kill();
    let past = Past(ground.db().await);
    let due = wait::now().trunc_subsecs(6) + TimeDelta::seconds(3);
    for id in &ids {
        past.due(id, OFFER, due).await;
    }
    past.close().await;
    let server = Server::start(&ground).await;
    wait::until(due).await;
    let mut late = Vec::new();
    for id in &ids {
        let whole = over(&server.wire, &city.support, id).await;
        assert_eq!(whole.status, "cancelled", "{:?}", whole.all);
        late.push((last_at(&whole) - due).num_milliseconds());
    }
    println!("{backend:?}: late after a crash, ms: {late:?}");
    assert!(late.iter().all(|late| *late >= 0), "{late:?}");
    let (_, adopted, early) = timers(&server.wire).await;
    assert_eq!((adopted, early), (0, 0), "found by a sweep, fired early");
    truth::books_are_right(&ground, server, &city.support).await;
}

/// OUT-1, NOT-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_in_our_outage_moves_on_sqlite() {
    nobody_is_penalised(Backend::Sqlite).await;
}

/// OUT-1, NOT-6, on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_in_our_outage_moves_on_postgres() {
    nobody_is_penalised(Backend::Postgres).await;
}

/// ORD-5, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_is_on_time_after_a_crash_on_sqlite() {
    on_time_after_a_crash(Backend::Sqlite).await;
}

/// ORD-5, on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_is_on_time_after_a_crash_on_postgres() {
    on_time_after_a_crash(Backend::Postgres).await;
}
