//! A worker of the outbox that is killed between its claim and the effect: the effect is there
//! once.

use std::collections::BTreeMap;
use std::time::Duration;

use platform::db::{Db, DbLimits};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::load::until;
use crate::server::Server;
use crate::truth;
use crate::wait::pause;

/// The effect of a claim takes longer than the test.
const SLOW_POSTGRES: &str = "
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON event_count FOR EACH ROW EXECUTE FUNCTION slow()";
/// The session of a killed server goes on until its statement ends.
const FAST_POSTGRES: &str = "
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep';
DROP FUNCTION slow() CASCADE";
const SLOW_SQLITE: &str = "
CREATE TRIGGER slow BEFORE INSERT ON event_count BEGIN
SELECT count(*) FROM (WITH RECURSIVE t(n) AS
(SELECT 1 UNION ALL SELECT n + 1 FROM t LIMIT 1000000000) SELECT n FROM t); END";
const FAST_SQLITE: &str = "DROP TRIGGER slow";

async fn counts(db: &Db, sql: &str) -> BTreeMap<String, i64> {
    let rows = db.read.query_all_raw(Statement::from_string(db.backend, sql)).await.unwrap();
    let row = |row: sea_orm::QueryResult| {
        (row.try_get("", "kind").unwrap(), row.try_get("", "n").unwrap())
    };
    rows.into_iter().map(row).collect()
}

/// How many deliveries are in this state.
async fn deliveries(db: &Db, state: &str) -> i64 {
    let sql = "SELECT state AS kind, count(*) AS n FROM outbox_delivery GROUP BY state";
    counts(db, sql).await.get(state).copied().unwrap_or(0)
}

async fn emitted(db: &Db) -> BTreeMap<String, i64> {
    counts(db, "SELECT kind, count(DISTINCT id) AS n FROM feed_event GROUP BY kind").await
}

async fn counted(db: &Db) -> BTreeMap<String, i64> {
    let sql = "SELECT kind, CAST(sum(n) AS bigint) AS n FROM event_count GROUP BY kind";
    counts(db, sql).await
}

async fn killed_between_claim_and_effect(backend: Backend) {
    let ground = Ground::new(backend).await;
    let city = City::found(&ground, 1, 1, 1_000_000).await;
    let db = ground.beside(DbLimits::default()).await;
    let mut server = Server::start(&ground).await;
    until("the outbox is empty", async || counted(&db).await == emitted(&db).await).await;
    let sqlite = db.backend == DatabaseBackend::Sqlite;
    let (slow, fast) =
        if sqlite { (SLOW_SQLITE, FAST_SQLITE) } else { (SLOW_POSTGRES, FAST_POSTGRES) };
    db.write.execute_unprepared(slow).await.unwrap();
    city.clients[0].places(&server.wire, &city.branches[0]).await;
    until("a worker has claimed", async || deliveries(&db, "claimed").await > 0).await;
    // The effect is under way, and does not end.
    pause(Duration::from_millis(500)).await;
    server.kill();
    drop(server);
    until("it can be changed", async || db.write.execute_unprepared(fast).await.is_ok()).await;
    assert_ne!(counted(&db).await, emitted(&db).await, "the effect was not there yet");

    let server = Server::start(&ground).await;
    until("every event is counted", async || counted(&db).await == emitted(&db).await).await;
    assert_eq!((deliveries(&db, "claimed").await, deliveries(&db, "parked").await), (0, 0));
    truth::books_are_right(&ground, server, &city.support).await;
}

/// NOT-3: on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_outbox_worker_loses_and_repeats_nothing_on_sqlite() {
    killed_between_claim_and_effect(Backend::Sqlite).await;
}

/// NOT-3: on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_outbox_worker_loses_and_repeats_nothing_on_postgres() {
    killed_between_claim_and_effect(Backend::Postgres).await;
}
