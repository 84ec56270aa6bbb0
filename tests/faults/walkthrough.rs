//! `docs/walkthrough.md` is true: its blocks are run as they stand, by one shell, against the real
//! binary.

use std::process::{Command, Output};

use serde_json::Value;

use crate::ground::{Backend, Ground};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/walkthrough.md"));
const ADDRESS: &str = "127.0.0.1:8080";
/// What stands before the page's own lines: the built binary takes the place of `cargo run`, every
/// program must succeed, and the server ends with the shell.
const BEFORE: &str = r#"
set -Eeuo pipefail
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
cargo() { shift 2; "$YUMO_BINARY" "$@"; }
"#;
/// What stands behind them: the facts that the page promises, as one line of JSON.
const BEHIND: &str = r#"
status() { read_from $SUPPORT /v1/support/orders/$1 | jq -c '.order.status // .status'; }
jq -nc --argjson quick "$(status $ORDER)" --argjson booked "$(status $BOOKED)" --argjson paid "$(status $PAID)" \
  --argjson bonus "$(read_from $CLIENT /v1/client/bonus)" --argjson items "$(read_from $OWNER /v1/partner/statement | jq .items)" \
  --argjson proof "$(read_from $SUPPORT /v1/support/proof)" --argjson events "$(read_from $CLIENT '/v1/feed/events?after=0' | jq '.events | length')" \
  '{quick: $quick, booked: $booked, paid: $paid, bonus: $bonus, items: $items, proof: $proof, events: $events}'
"#;

/// The page's blocks of shell lines, in their order.
fn blocks(page: &str) -> String {
    let parts = page.split("```sh\n").skip(1);
    parts.filter_map(|part| part.split_once("```")).map(|(block, _)| block).collect()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn walk(ground: &Ground) -> Output {
    let address = free_address();
    let lines = blocks(PAGE).replace(ADDRESS, &address);
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("YUMO_")) {
        shell.env_remove(name);
    }
    shell.args(["-c", &format!("{BEFORE}{lines}{BEHIND}")]);
    shell.current_dir(ground.folder()).env("YUMO_BINARY", env!("CARGO_BIN_EXE_yumo"));
    shell.env("YUMO__HTTP__LISTEN", &address).output().unwrap()
}

/// A newcomer who sends what the page says sees what the page promises.
#[tokio::test(flavor = "multi_thread")]
async fn the_walkthrough_is_true() {
    let ground = Ground::new(Backend::Sqlite).await;
    let output = walk(&ground);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(!said.contains("\"instance\"") && !said.contains("problem+json"), "refused: {said}");
    let facts: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&facts["quick"], &facts["paid"]), (&"completed".into(), &"completed".into()));
    assert_eq!(facts["booked"], "confirmed");
    assert!(facts["items"].as_array().unwrap().len() >= 3, "{facts}");
    assert!(facts["events"].as_i64().unwrap() > 10, "{facts}");
    assert_eq!(facts["proof"]["ok"], true, "{facts}");
}
