//! Several nodes: which may serve together, and simultaneous starts.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use crate::ground::{Backend, Ground};
use crate::load::until_ready;
use crate::server::{self, Server};
use crate::wire::Request;

const REDIS: &str = "YUMO__BUS__REDIS_URL";
/// The key of a node's advisory lock.
const KEY: &str = "hashtextextended('yumo node ' || current_schema(), 0)";

fn redis() -> String {
    std::env::var("YUMO_TEST_REDIS").unwrap()
}

/// Two processes never serve one SQLite database; the lock ends with the process, however that
/// ends, and read-only commands run beside it.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_serves_an_sqlite_database() {
    let ground = Ground::new(Backend::Sqlite).await;
    let mut server = Server::start(&ground).await;
    let db = ground.folder().join("yumo.db");
    let demo = ["--plain", "--for", "1", "--listen", "127.0.0.1:0", "--partners", "1"];
    let demo = [&["demo", "--db", db.to_str().unwrap()], &demo[..]].concat();
    for args in [&["serve"][..], &demo] {
        let said = server::refused(&ground, args).await;
        let holder = format!("process {} serves {}", server.pid(), db.display());
        assert!(said.contains(&holder), "{args:?}: {said}");
    }
    assert!(server::run(&ground, &["check"]).status.success());
    let backup = ground.folder().join("backup.db");
    assert!(server::run(&ground, &["backup", backup.to_str().unwrap()]).status.success());
    server.kill();
    Server::start(&ground).await.stop().await;
    Server::start(&ground).await.stop().await;
}

/// A database whose tables have an older build's names is refused with a sentence that says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_older_build_is_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let ground = Ground::new(backend).await;
        let db = ground.db().await;
        db.write.execute_unprepared("CREATE TABLE purse (id TEXT PRIMARY KEY)").await.unwrap();
        let said = server::refused(&ground, &["serve"]).await;
        assert!(said.contains("written by an older build"), "{said}");
    }
}

/// A node without Redis is the only one on a PostgreSQL database; nodes with Redis serve together.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_redis_serves_alone() {
    let mut ground = Ground::new(Backend::Postgres).await;
    let mut alone = Server::start(&ground).await;
    let said = server::refused(&ground, &["serve"]).await;
    assert!(said.contains("another node serves this database"), "{said}");
    ground.set(REDIS, &redis());
    let said = server::refused(&ground, &["serve"]).await;
    assert!(said.contains("a node without bus.redis_url serves this database"), "{said}");
    alone.kill();
    let (one, two) = (Server::start(&ground).await, Server::start(&ground).await);
    ground.set(REDIS, "");
    let said = server::refused(&ground, &["serve"]).await;
    assert!(said.contains("bus.redis_url is empty here"), "{said}");
    one.stop().await;
    two.stop().await;
    Server::start(&ground).await.stop().await;
}

/// A node that loses its lock to another kind of node says so, and is not ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_was_lost_is_an_alarm() {
    let ground = Ground::new(Backend::Postgres).await;
    let server = Server::start(&ground).await;
    let (other, look) = (ground.db().await, ground.db().await);
    let take = format!("SELECT pg_advisory_lock({KEY})");
    let taking = other.write.execute_unprepared(&take);
    let losing = async {
        // Once another session waits for the lock, the connection that holds it is closed.
        let cut = "SELECT pg_terminate_backend(held.pid) FROM pg_locks held JOIN pg_locks waits \
                   USING (locktype, database, classid, objid, objsubid) \
                   WHERE held.granted AND NOT waits.granted AND locktype = 'advisory'";
        let cut = Statement::from_string(look.backend, cut);
        while look.read.query_all_raw(cut.clone()).await.unwrap().is_empty() {}
    };
    let (taken, ()) = tokio::join!(taking, losing);
    taken.unwrap();
    let said = server.alarm("nodes_without_bus").await;
    assert!(said.contains("another node serves this database"), "{said}");
    let health = Request::get("/health/ready");
    let ready = server.wire.sure("", &health).await;
    assert_eq!((ready.status, &ready.body["place"]), (503, &json!(false)), "{}", ready.text);
    // The other one is gone: this node takes its lock again.
    other.write.close().await.unwrap();
    until_ready(&server.wire, true).await;
}

/// Four nodes that start simultaneously on an empty database all serve.
#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_start_at_once_on_an_empty_database() {
    let ground = Ground::new(Backend::Cluster).await;
    let starting: Vec<_> = (0..4).map(|_| Server::begin(&ground)).collect();
    let nodes = join_all(starting.into_iter().map(server::Starting::listens)).await;
    for node in &nodes {
        assert_eq!(node.errors(), [""; 0]);
    }
    join_all(nodes.into_iter().map(Server::stop)).await;
}
