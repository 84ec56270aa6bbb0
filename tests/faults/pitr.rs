//! PostgreSQL loses its disk: base backup and received log restore everything that was
//! acknowledged, and a node that kept running tells the devices to take the snapshot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use client::Audience;
use client::feed::{self, Position};
use futures_util::future::join_all;
use serde_json::Value;

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::server::{self, Server};
use crate::truth;
use crate::wait::{self, pause};
use crate::wire::{Request, Wire};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/pitr");
const CREDIT: i64 = 1_000_000;
const CLIENTS: usize = 12;
/// How long a node may take until it serves again once its database is back.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL instance of the test; its processes end when this is dropped.
struct Instance(PathBuf);

impl Instance {
    fn does(&self, act: &str, more: &[&str]) -> String {
        let done = Command::new(SCRIPT).arg(act).arg(&self.0).args(more).output().unwrap();
        assert!(done.status.success(), "{act}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = Command::new(SCRIPT).arg("stop").arg(&self.0).output();
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The first answer of a feed once the database is back.
async fn first_answer(wire: &Wire, token: &str, ask: &Request) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = wire.ask(token, ask).await;
        match answer {
            Ok(answer) if answer.is_yes() => return answer.body,
            other => assert!(Instant::now() < deadline, "it does not serve again: {other:?}"),
        }
        pause(Duration::from_millis(100)).await;
    }
}

async fn snapshot(wire: &Wire, token: &str, audience: &str) -> (i64, String) {
    let snapshot = wire.sure(token, &feed::snapshot(audience)).await.yes();
    (snapshot["seq"].as_i64().unwrap(), snapshot["epoch"].as_str().unwrap().to_owned())
}

/// The number of orders of each client.
async fn counts(wire: &Wire, city: &City) -> Vec<usize> {
    let clients = city.clients.iter();
    let orders = clients.map(async |client| truth::orders_of(wire, &client.token).await.len());
    join_all(orders).await
}

/// NOT-6: a base backup under load, the log received as it is written, the disk lost: restored
/// first to a point in time, then to the end of the log.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_comes_back_with_all_that_was_acknowledged() {
    let mut ground = Ground::new(Backend::Postgres).await;
    let instance = Instance(Path::new("/tmp").join(format!("yumo_pitr_{}", std::process::id())));
    let url = instance.does("start", &[]);
    ground.moves_to(&url);
    let city = City::found(&ground, 2, CLIENTS, CREDIT).await;
    let server = Server::start(&ground).await;
    let wire = &server.wire;
    let place = async |n: usize| city.clients[n].places(wire, &city.branches[n % 2]).await;
    let backing_up = async { tokio::task::block_in_place(|| instance.does("backup", &[])) };
    tokio::join!(join_all((0..4).map(place)), backing_up);
    join_all((4..8).map(place)).await;
    let then = wait::now();
    join_all((8..CLIENTS).map(place)).await;

    let owner = &city.branches[0].owner;
    let audience = Audience::Branch(city.branches[0].id.clone()).name();
    let (mut seq, mut epoch) = snapshot(wire, owner, &audience).await;
    let then = then.to_rfc3339();
    let some = [vec![1; 8], vec![0; 4]].concat();
    for (until, expected) in [(&[&*then][..], some), (&[], vec![1; CLIENTS])] {
        instance.does("lose", &[]);
        assert_eq!(instance.does("recover", until), url);
        let position = Position { after: Some(seq), epoch: Some(epoch.clone()) };
        let ask = feed::poll(&audience, &position, 0);
        let told = first_answer(wire, owner, &ask).await;
        assert_eq!(told["snapshot_needed"], true, "until {until:?}: {told}");
        assert_eq!(counts(wire, &city).await, expected, "until {until:?}");
        let before = epoch;
        (seq, epoch) = snapshot(wire, owner, &audience).await;
        assert_ne!(before, epoch);
    }
    server.alarm("feed_epoch_changed").await;
    server.stop().await;
    let check = server::run(&ground, &["check"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}
