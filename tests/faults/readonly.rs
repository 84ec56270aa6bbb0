//! PostgreSQL that accepts no writes: read-only after a failover, its sessions ended, its disk
//! full.

use platform::db::{Db, DbLimits};
use sea_orm::ConnectionTrait as _;

use crate::city::{City, Client};
use crate::ground::Ground;
use crate::load::{until, until_ready};
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wire::{Answer, Request, Wire};

const CLIENTS: usize = 6;

/// Simulates a failover: sessions end, and new ones are read-only, or no longer.
async fn fails_over(admin: &Db, name: &str, read_only: bool) {
    let value = if read_only { "SET default_transaction_read_only = on" } else { "RESET ALL" };
    let sql = format!(
        "ALTER DATABASE {name} {value}; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    admin.write.execute_unprepared(&sql).await.unwrap();
}

/// Refuses every insert as if the disk were full.
const FULL: &str = "
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON feed_event FOR EACH ROW EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE UPDATE ON storage_probe FOR EACH ROW EXECUTE FUNCTION no_room()";
const ROOM: &str = "DROP FUNCTION no_room() CASCADE";

fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
    assert_eq!(answer.retry_after, Some(1));
}

/// Sends it, once more if the connection was closed: a refusal before the body was read closes the
/// connection.
async fn sends(wire: &Wire, client: &Client, ask: &Request) -> Answer {
    match wire.ask(&client.token, ask).await {
        Ok(answer) => answer,
        Err(_) => wire.sure(&client.token, ask).await,
    }
}

/// Every command is refused; reads still work.
async fn takes_nothing(wire: &Wire, city: &City, asks: &[Request], known: &str) {
    for (client, ask) in city.clients.iter().zip(asks) {
        refused(&sends(wire, client, ask).await);
    }
    let health = Request::get("/health/ready");
    until("it is read and not written", async || {
        let ready = wire.sure("", &health).await;
        assert_eq!(ready.status, 503, "{}", ready.text);
        ready.body["writable"] == false && ready.body["database"] == true
    })
    .await;
    for (client, ask) in city.clients.iter().zip(asks) {
        refused(&sends(wire, client, ask).await);
    }
    Whole::read(wire, &city.support, known).await;
}

/// ORD-2, ORD-4: 503 with the time to retry, never a success; the readiness check fails and
/// recovers by itself; the same key then does it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_or_full_postgres_answers_503_and_recovers() {
    let ground = Ground::on_its_own_database().await;
    let name = ground.url().rsplit_once('/').unwrap().1.to_owned();
    let city = City::found(&ground, 1, CLIENTS, 1_000_000).await;
    let server = Server::start(&ground).await;
    let (wire, branch) = (&server.wire, &city.branches[0]);
    let admin = ground.admin().await;

    let mut asks: Vec<Request> = Vec::new();
    for client in &city.clients {
        asks.push(Request::post("/v1/client/orders", &client.wish(branch)));
    }
    let (last, rest) = city.clients.split_last().unwrap();
    let known = last.places(wire, branch).await;
    let _ = asks.pop();
    fails_over(&admin, &name, true).await;
    until_ready(wire, false).await;
    takes_nothing(wire, &city, &asks, &known).await;
    fails_over(&admin, &name, false).await;
    until_ready(wire, true).await;

    let beside = ground.beside(DbLimits::default()).await;
    beside.write.execute_unprepared(FULL).await.unwrap();
    takes_nothing(wire, &city, &asks, &known).await;
    beside.write.execute_unprepared(ROOM).await.unwrap();
    until_ready(wire, true).await;

    let mut placed = vec![known];
    for (client, ask) in rest.iter().zip(&asks) {
        let order = wire.sure(&client.token, ask).await.yes();
        let again = wire.sure(&client.token, ask).await;
        assert!(again.replayed, "{}", again.text);
        placed.push(order["id"].as_str().unwrap().to_owned());
    }
    let alarms = server.errors();
    assert!(alarms.iter().all(|line| line.contains("storage_unwritable")), "{alarms:?}");
    assert!(alarms.len() >= 2, "each was told: {alarms:?}");
    server.stop().await;
    let server = Server::start(&ground).await;
    for id in &placed {
        assert_eq!(Whole::read(&server.wire, &city.support, id).await.version, 1);
    }
    beside.read.close().await.unwrap();
    beside.write.close().await.unwrap();
    truth::books_are_right(&ground, server, &city.support).await;
}
