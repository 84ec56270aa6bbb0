//! Slow readers: `SQLite`'s write-ahead log stays bounded beside one and is truncated once it ends;
//! a snapshot read that takes too long is aborted.

use std::time::Duration;

use platform::ReadSnapshot;
use platform::db::DbLimits;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DbErr, EntityTrait as _, Statement};
use serde_json::json;
use tokio::sync::oneshot;

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::load::{Load, until, until_ready};
use crate::server::Server;
use crate::truth;
use crate::wire::{Request, Wire};

const CLIENTS: usize = 8;
const MIB: u64 = 1 << 20;
/// The log size beyond which it is truncated, beyond which writes are refused, and what one commit
/// group may add, MiB.
const TARGET: u64 = 1;
const MOST: u64 = 6;
const GROUP: u64 = 4;

async fn metric(wire: &Wire, name: &str) -> f64 {
    let text = wire.sure("", &Request::get("/metrics")).await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}")).trim().parse().unwrap()
}

/// The log is bounded beside a reader, and truncated when the reader ends; without writes too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded_beside_a_slow_reader_and_truncated_after_it() {
    let mut ground = Ground::new(Backend::Sqlite).await;
    let city = City::found(&ground, 1, CLIENTS, 1_000_000).await;
    ground.sets("YUMO__DATABASE__WAL_TARGET_MB", &TARGET.to_string());
    ground.sets("YUMO__DATABASE__WAL_MAX_MB", &MOST.to_string());
    let server = Server::start(&ground).await;
    let (wire, load) = (&server.wire, Load::default());
    let log = || std::fs::metadata(ground.file("yumo.db-wal")).unwrap().len();

    let beside = ground.beside(DbLimits::default()).await;
    let ((began, begins), (done, ends)) = (oneshot::channel(), oneshot::channel::<()>());
    let slow = beside.snapshot(async move |moment: ReadSnapshot| {
        let orders = entity::order::Entity::find().all(&moment).await?.len();
        began.send(orders).unwrap();
        let _ = ends.await;
        Ok::<_, DbErr>(entity::order::Entity::find().all(&moment).await?.len() - orders)
    });
    let watching = async {
        begins.await.unwrap();
        until_ready(wire, false).await;
        let bytes = log();
        assert!((MOST * MIB..(MOST + GROUP) * MIB).contains(&bytes), "{bytes}");
        let told = metric(wire, "yumo_wal_bytes").await;
        assert!(told >= 6_291_456.0, "{told}");
        load.stop();
        done.send(()).unwrap();
    };
    let (seen, ..) = tokio::join!(slow, load.run(&city, wire), watching);
    assert_eq!(seen.unwrap(), 0, "it saw one moment");
    until_ready(wire, true).await;
    until("the log is short", async || log() <= TARGET * MIB).await;
    until("the metric says so", async || metric(wire, "yumo_wal_bytes").await <= 1_048_576.0).await;
    beside.read.close().await.unwrap();
    beside.write.close().await.unwrap();

    load.is_all_there(wire, &city.support).await;
    let bay = Request::post("/v1/partner/bays", &json!({"name": "Bay 1", "kind": "wash"}));
    wire.sure(&city.branches[0].owner, &bay).await.yes();
    assert!(server.errors().iter().any(|line| line.contains("wal_long")), "an alarm names it");
    server.stop().await;
    let server = Server::start(&ground).await;
    load.is_all_there(&server.wire, &city.support).await;
    truth::books_are_right(&ground, server, &city.support).await;
}

/// Our own snapshot reads end at their time limit; the connection is not used again in whatever
/// state it was left.
async fn ends_too_long_a_read(backend: Backend) {
    let ground = Ground::new(backend).await;
    let limits = DbLimits { snapshot_max: Duration::from_millis(300), ..DbLimits::default() };
    let db = ground.beside(limits).await;
    let endless = match db.backend {
        DatabaseBackend::Postgres => "SELECT count(*) FROM generate_series(1, 1000000000000)",
        _ => {
            "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
        }
    };
    let endless = Statement::from_string(db.backend, endless);
    let read = async move |moment: ReadSnapshot| moment.query_all_raw(endless).await;
    assert!(db.snapshot(read).await.is_err());
    let one = Statement::from_string(db.backend, "SELECT 1 AS n");
    let read = async move |moment: ReadSnapshot| moment.query_all_raw(one).await;
    assert_eq!(db.snapshot(read).await.unwrap().len(), 1, "the pool of one goes on");
}

/// On one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_long_a_read_is_ended_on_sqlite() {
    ends_too_long_a_read(Backend::Sqlite).await;
}

/// On PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_long_a_read_is_ended_on_postgres() {
    ends_too_long_a_read(Backend::Postgres).await;
}
