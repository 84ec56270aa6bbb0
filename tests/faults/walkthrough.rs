//! Runs the blocks of `docs/walkthrough.md` unchanged, in one shell, against the real binary.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::ground::{Backend, Ground};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/walkthrough.md"));
const ADDRESS: &str = "127.0.0.1:8080";
/// The whole walk may take so long on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Prelude: `cargo run` starts the built binary, a failing program ends the shell, which kills the
/// server at its exit.
const BEFORE: &str = r#"
set -Eeuo pipefail
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
cargo() {
  shift 2
  # In the background this is a process of its own, which becomes the server.
  if [ "$1" = serve ]; then exec "$YUMO_BINARY" "$@"; fi
  "$YUMO_BINARY" "$@"
}
"#;
/// Epilogue: prints the state that the page promises as one line of JSON.
const BEHIND: &str = r#"
status() { read_from $SUPPORT /v1/support/orders/$1 | jq -c '.order.status // .status'; }
EVENTS=$(read_from $CLIENT '/v1/feed/events?after=0' | jq '.events | length')
ITEMS=$(read_from $OWNER /v1/partner/statement | jq -c '.items | length')
PROOF=$(read_from $SUPPORT /v1/support/proof | jq .ok)
printf '{"quick":%s,"booked":%s,"paid":%s,"items":%s,"proof":%s,"events":%s}\n' \
  "$(status $ORDER)" "$(status $BOOKED)" "$(status $PAID)" "$ITEMS" "$PROOF" "$EVENTS"
"#;

/// The page's `sh` blocks, concatenated in order.
fn blocks(page: &str) -> String {
    let parts = page.split("```sh\n").skip(1);
    parts.filter_map(|part| part.split_once("```")).map(|(block, _)| block).collect()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn walk(ground: &Ground) -> Output {
    let address = free_address();
    let lines = blocks(PAGE).replace(ADDRESS, &address);
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("YUMO_")) {
        shell.env_remove(name);
    }
    shell.args(["-c", &format!("{BEFORE}{lines}{BEHIND}")]);
    shell.current_dir(ground.folder()).env("YUMO_BINARY", env!("CARGO_BIN_EXE_yumo"));
    shell.env("YUMO__HTTP__LISTEN", &address).kill_on_drop(true);
    let ended = tokio::time::timeout(PATIENCE, shell.output());
    ended.await.expect("the walk ends").unwrap()
}

/// Every command of the page succeeds, and the orders, the books and the feed end as it says.
#[tokio::test(flavor = "multi_thread")]
async fn the_walkthrough_is_true() {
    let ground = Ground::new(Backend::Sqlite).await;
    let output = walk(&ground).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(!said.contains("/problems/"), "refused: {said}");
    let facts: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&facts["quick"], &facts["paid"]), (&"completed".into(), &"completed".into()));
    assert_eq!(facts["booked"], "confirmed");
    assert!(facts["items"].as_i64().unwrap() >= 3, "{facts}");
    assert!(facts["events"].as_i64().unwrap() > 10, "{facts}");
    assert_eq!(facts["proof"], true, "{facts}");
}
