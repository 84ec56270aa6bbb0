//! Checks the published protocol: every refusal's code and every event is in `docs/protocol.md`,
//! and every route is in the one table of roles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use entity::kinds::{AudienceKind, EventKind};
use platform::{RefusalKind, Refused};
use strum::IntoEnumIterator as _;
use yumo::api::http::pointers;
use yumo::api::http::route_table;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
/// The combinations of audiences, in the order of the published table.
const AUDIENCES: [&[AudienceKind]; 4] = [
    &[AudienceKind::Client, AudienceKind::Branch],
    &[AudienceKind::Client],
    &[AudienceKind::Branch],
    &[AudienceKind::Support],
];

fn all() -> Vec<Refused> {
    let mut all = declared();
    all.sort_by_key(|r| r.code);
    all.dedup_by_key(|r| r.code);
    all
}

fn declared() -> Vec<Refused> {
    let mut all = Vec::new();
    all.extend(platform::codes::General::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::access::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::billing::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::bonus::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::clients::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::api::ws::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::ledger::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::notifications::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::orders::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::partners::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::policy::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::support::rehearsal::Refusal::ALL.iter().map(|r| r.refused()));
    all.extend(yumo::reputation::Refusal::ALL.iter().map(|r| r.refused()));
    all
}

fn status(refused: &Refused) -> u16 {
    match refused.kind {
        RefusalKind::Slow => 408,
        RefusalKind::Invalid if refused.code == "too_large" => 413,
        RefusalKind::Invalid => 400,
        RefusalKind::Unauthenticated => 401,
        RefusalKind::Forbidden => 403,
        RefusalKind::NotFound => 404,
        RefusalKind::MethodNotAllowed => 405,
        RefusalKind::Conflict => 409,
        RefusalKind::Stale => 412,
        RefusalKind::VersionMissing => 428,
        RefusalKind::Unprocessable => 422,
        RefusalKind::TooMany => 429,
        RefusalKind::Unavailable => 503,
    }
}

/// The table of codes in `docs/protocol.md` matches the code. `YUMO_BLESS=1` rewrites it.
#[test]
fn every_code_is_published() {
    let mut table =
        String::from("| code | status | what happened | what to do |\n|---|---|---|---|\n");
    for refused in all() {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            refused.code,
            status(&refused),
            refused.title,
            refused.detail
        );
    }
    published("codes", &table);
}

/// The table of events in `docs/protocol.md` matches the code. `YUMO_BLESS=1` rewrites it.
#[test]
fn every_event_is_published() {
    let mut table = String::from("| event | to | what happened |\n|---|---|---|\n");
    for audiences in AUDIENCES {
        for kind in EventKind::iter().filter(|kind| kind.audiences() == audiences) {
            let to: Vec<String> = audiences.iter().map(ToString::to_string).collect();
            let _ = writeln!(table, "| `{kind}` | {} | {} |", to.join(", "), kind.meaning());
        }
    }
    assert_eq!(table.lines().count(), EventKind::iter().count() + 2, "audiences of an event");
    published("events", &table);
}

/// Compares a table with the one between its marks in `docs/protocol.md`, or rewrites that.
fn published(name: &str, table: &str) {
    // Two tests may rewrite the page at the same time.
    static PAGE_LOCK: Mutex<()> = Mutex::new(());
    let _held = PAGE_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = page.split_once(&begin).expect("docs/protocol.md has the mark");
    let (published, after) = rest.split_once(&end).expect("docs/protocol.md has the mark");
    if std::env::var_os("YUMO_BLESS").is_some() {
        std::fs::write(PAGE, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(published, table, "run with YUMO_BLESS=1 and read what changed");
    }
}

/// Whatever makes no sense names the field that is at fault, or says why it is about none: a code
/// of 422 stands in the table, and nothing else does.
#[test]
fn every_unprocessable_code_has_its_field() {
    let table: BTreeSet<&str> = pointers::FAULTS.iter().map(|(code, _)| *code).collect();
    assert_eq!(table.len(), pointers::FAULTS.len(), "a code stands there twice");
    let unprocessable = all().into_iter().filter(|r| r.kind == RefusalKind::Unprocessable);
    let codes: BTreeSet<&str> = unprocessable.map(|r| r.code).collect();
    assert_eq!(table, codes);
    let about_none: Vec<&str> = pointers::FAULTS
        .iter()
        .filter(|(_, fault)| *fault == pointers::FieldError::NoField)
        .map(|(code, _)| *code)
        .collect();
    let written = ["idempotency_key_reused", "not_for_this_kind", "statement_too_long"];
    assert_eq!(about_none, written);
}

/// A code that several capabilities use has the same text everywhere.
#[test]
fn a_code_means_one_thing() {
    let mut meanings: BTreeMap<&str, (RefusalKind, &str)> = BTreeMap::new();
    for refused in declared() {
        let meaning = (refused.kind, refused.title);
        let first = *meanings.entry(refused.code).or_insert(meaning);
        assert_eq!(first, meaning, "{} means two things", refused.code);
    }
}

/// Every route of the OpenAPI description declares who may call it, and the reverse.
#[test]
fn every_route_has_a_role() {
    let api: serde_json::Value = serde_json::from_str(&yumo::app::openapi().unwrap()).unwrap();
    assert_eq!(api["openapi"], "3.1.0");
    let mut published = BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            assert!(route_table::find(&method, path).is_some(), "{method} {path}");
            published.insert(format!("{method} {path}"));
        }
    }
    let unpublished = ["GET /openapi.json", "GET /docs/{tail}"];
    for route in route_table::all() {
        let route = format!("{} {}", route.method, route.path);
        let known = published.contains(&route) || unpublished.contains(&route.as_str());
        assert!(known, "{route} is declared but nobody serves it");
    }
}
