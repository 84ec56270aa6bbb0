//! The running server and its description agree: an OpenAPI validator reads the description, and
//! schemathesis asks every operation in it, as a client, a branch's owner and support, with all of
//! its checks. `scripts/contract` runs both; what is narrower than usual stands with its reason in
//! `tests/contract/schemathesis.toml`.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::city::City;
use crate::ground::{Backend, Ground};
use crate::server::Server;
use crate::wire::Request;

/// A run may take so long: two minutes on a quiet machine, and once the download.
const PATIENCE: Duration = Duration::from_mins(30);
const CREDIT: i64 = 1_000_000;
/// One run at a time: the first one makes the environment that both use.
static TURN: Mutex<()> = Mutex::const_new(());

/// Runs the script against this server, and shows what it said.
async fn run(server: &Server, city: &City) {
    let _turn = TURN.lock().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/contract");
    let [client, person, leaver] = &city.clients[..] else { panic!("three clients") };
    let branch = &city.branches[0];
    let mut command = Command::new(script);
    command.arg(format!("http://{}", server.addr()));
    command.envs([
        ("YUMO_CLIENT", &client.token),
        ("YUMO_PERSON", &person.token),
        ("YUMO_LEAVER", &leaver.token),
        ("YUMO_OWNER", &branch.owner),
        ("YUMO_BRANCH", &branch.id),
        ("YUMO_SUPPORT", &city.support),
    ]);
    command.env("YUMO_CONTRACT_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract"));
    let ended = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output());
    let output = ended.await.expect("the run ends in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{errors}");
}

/// Every answer is described, every request the description permits is served or refused by a
/// described problem, none that it forbids is accepted, and there is no fault: neither a 5xx nor an
/// alarm. After it the books are right.
async fn agree(backend: Backend) {
    let mut ground = Ground::new(backend).await;
    ground.sets("YUMO__FEED__SNAPSHOTS_PER_MIN", "100000");
    let city = City::with_bays(&ground, 1, 3, CREDIT, 2).await;
    let server = Server::start(&ground).await;
    run(&server, &city).await;
    // A request whose head cannot be read is answered 400, and logged by the HTTP library.
    let faults = server.errors();
    let faults: Vec<_> =
        faults.iter().filter(|line| !line.contains("request parse error")).collect();
    assert_eq!(faults, [""; 0]);
    let proof = server.wire.sure(&city.support, &Request::get("/v1/support/proof")).await.yes();
    assert_eq!(proof["ok"], Value::Bool(true), "{proof}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_sqlite() {
    agree(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_on_postgres() {
    agree(Backend::Cluster).await;
}
