//! Project rules that the compiler cannot check. A failure names file, line, finding and reason.

#![expect(clippy::indexing_slicing, reason = "a test stops at what it did not foresee")]

use std::collections::BTreeMap;

mod circles;
mod crates;
mod kinds;
mod map;
mod modules;
mod owners;
mod owners_list;
mod paths;
mod text;
mod tree;
mod words;

use text::{around, is_word, line_of, places, rule_ids};
use tree::{File, files, hold, rust_below};

/// Pure modules: rules and arithmetic, values in, values out.
const PURE: &[&str] = &[
    "src/policy/calendar.rs",
    "src/policy/check.rs",
    "src/policy/check/bounds.rs",
    "src/policy/check/commission.rs",
    "src/policy/check/orders.rs",
    "src/policy/check/people.rs",
    "src/policy/draft.rs",
    "src/orders/actions.rs",
    "src/orders/decision.rs",
    "src/orders/visit/late.rs",
    "src/orders/machine.rs",
    "src/orders/price.rs",
    "src/orders/end/fee.rs",
    "src/ledger/commission.rs",
    "src/ledger/split.rs",
    "src/billing/penalties/penalty.rs",
    "src/billing/holds/allocations.rs",
    "src/billing/payments/payment.rs",
    "src/billing/payouts/account.rs",
    "src/billing/holds/velocity.rs",
    "src/bonus/queue.rs",
    "src/orders/proposals/auto.rs",
    "src/orders/capacity.rs",
    "src/orders/timers.rs",
    "src/partners/schedule/hours.rs",
    "src/partners/capacity/slots.rs",
    "src/search/geo.rs",
    "src/reputation/rules.rs",
    "src/support/rehearsal/judged.rs",
    "src/support/rehearsal/sums.rs",
    "src/support/rehearsal/terms.rs",
];

/// Tests that wait for real time: file and reason. All others move the clock or step a loop.
const SLEEPERS: &[(&str, &str)] =
    &[("tests/faults/wait.rs", "real processes are paced in real time")];

/// This file contains the forbidden names.
const SELF: &str = "tests/tidy/main.rs";

const UNFINISHED_CODE: &[(&str, &str)] = &[
    ("#[allow(", "use #[expect(lint, reason = \"…\")], which complains when it is not needed"),
    ("#![allow(", "use #![expect(lint, reason = \"…\")], which complains when it is not needed"),
    ("#[ignore", "a test that does not run proves nothing"),
    ("todo!", "what is put off is a decision with a number"),
    ("unimplemented!", "what is put off is a decision with a number"),
];

const FILE_LINES_MAX: usize = 400;
const LINE_CHARS_MAX: usize = 100;

const GROUPS: &[&str] = &[
    "ORD", "QO", "BK", "ARR", "ADD", "PEN", "COM", "BAL", "BON", "SAN", "RAT", "SEA", "ACC", "NOT",
    "LIM", "OUT", "SUP", "PAN",
];

#[test]
fn http_is_known_to_the_api_alone() {
    let mut found = Vec::new();
    for file in rust_below("src/") {
        let module = file.module().map_or("lib", |(module, _)| module);
        if module != "api" && module != "app" {
            for needle in ["actix_web", "actix_ws", "actix_http", "actix_rt"] {
                found.extend(file.code_hits(needle, "only api and app know HTTP"));
            }
        }
        if module == "api" || module == "providers" {
            found.extend(file.code_hits(
                "sea_orm",
                "the API and the providers ask capabilities, never the database",
            ));
        }
    }
    hold("Capabilities know no HTTP, the API knows no tables.", &found);
}

/// Handlers that execute a command without handing its outcome to the one way out.
fn other_ways_out(file: &File) -> Vec<String> {
    let code = file.shipped();
    let executed = places(code, ".execute(");
    let handed = places(code, "answer(&edge,").len() + places(code, "answer(edge,").len();
    let why = "`.execute(`: run it with `run`, or hand its outcome to `answer`";
    let missing = executed.iter().skip(handed);
    missing.map(|at| file.at(line_of(&file.code, *at), why)).collect()
}

#[test]
fn what_a_handler_executes_goes_one_way_out() {
    let handlers = rust_below("src/api/http/").filter(|f| !f.path.ends_with("http/run.rs"));
    let handlers: Vec<_> = handlers.collect();
    assert!(handlers.len() > 20, "the handlers are elsewhere");
    let found: Vec<_> = handlers.into_iter().flat_map(other_ways_out).collect();
    hold("Answers and refusals are opened in one place.", &found);

    let code = "let done = edge.engine.execute(by, None, command).await?;";
    assert_eq!(other_ways_out(&File::new("src/api/http/a.rs", code)).len(), 1);
}

#[test]
fn pure_files_neither_wait_nor_query() {
    let mut found = Vec::new();
    let gone = PURE.iter().filter(|path| !files().iter().any(|file| file.path == **path));
    found.extend(gone.map(|path| format!("{path}: is listed in PURE and is no file")));
    for file in rust_below("src/").filter(|f| PURE.contains(&f.path.as_str())) {
        for needle in ["async", "await", "sea_orm", "Tx"] {
            found.extend(file.code_hits(needle, "a rule is a function from values to values"));
        }
    }
    hold("What decides does not do.", &found);
}

/// The declarations of functions named `decide` that wait, or name a transaction.
fn impure_decisions(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for at in places(&file.code, "decide") {
        let before = around(&file.code, at, 0).0;
        if !before.ends_with("fn ") {
            continue;
        }
        let rest = file.code.get(at..).unwrap_or_default();
        let declared = rest.split_once('{').map_or(rest, |(head, _)| head);
        let head = before.rsplit(['}', ';', '{']).next().unwrap_or_default();
        let waits = !places(head, "async").is_empty();
        if waits || !places(declared, "Tx").is_empty() {
            let why = "`decide` is pure: neither async nor given a transaction";
            found.push(file.at(line_of(&file.code, at), why));
        }
    }
    found
}

#[test]
fn a_decision_is_pure() {
    let found: Vec<_> = rust_below("src/").flat_map(impure_decisions).collect();
    hold("A rule is asked by its command, by a view and by a rehearsal.", &found);
}

#[test]
fn redis_is_named_in_one_place() {
    let mut found = Vec::new();
    let speakers = [
        "crates/platform/src/bus/redis.rs",
        "crates/platform/src/rate_limit/shared.rs",
        "crates/platform/src/rate_limit/socket_count.rs",
    ];
    for file in ["src/", "crates/"]
        .into_iter()
        .flat_map(rust_below)
        .filter(|f| !speakers.contains(&f.path.as_str()))
    {
        // `bus::redis::Redis` is our own module; so is `redis::` beside its `mod redis;`.
        let own = !places(&file.code, "mod redis").is_empty();
        for at in places(&file.code, "redis::").into_iter().filter(|_| !own) {
            if !around(&file.code, at, 0).0.ends_with("::") {
                let why = "`redis::`: only the bus and the shared limits speak to Redis";
                found.push(file.at(line_of(&file.code, at), why));
            }
        }
    }
    hold("The bus hides what carries it.", &found);
}

fn shape_refused(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if !file.text.starts_with("//!") {
        found.push(file.at(1, "does not begin with `//!`: a file says what it is"));
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        found
            .push(file.at(lines, &format!("{lines} lines: at most {FILE_LINES_MAX}, then cut it")));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        let chars = line.chars().count();
        // The formatter does not wrap strings, nor would they read better wrapped.
        if chars > LINE_CHARS_MAX && !line.contains('"') {
            found.push(file.at(number, &format!("{chars} characters: at most {LINE_CHARS_MAX}")));
        }
    }
    found
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let found: Vec<_> = rust_below("").flat_map(shape_refused).collect();
    hold("A file is read from the top, whole, without scrolling sideways.", &found);
}

fn unfinished(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (needle, why) in UNFINISHED_CODE {
        found.extend(file.code_hits(needle, why));
    }
    for needle in ["TODO", "FIXME", "XXX"] {
        for at in places(&file.text, needle) {
            let why = format!("`{needle}`: what is put off is a decision with a number");
            found.push(file.at(line_of(&file.text, at), &why));
        }
    }
    found
}

#[test]
fn nothing_is_left_unfinished_or_silenced() {
    let found: Vec<_> = rust_below("").filter(|f| f.path != SELF).flat_map(unfinished).collect();
    hold("Done means done.", &found);
}

#[test]
fn tests_do_not_sleep() {
    let mut found = Vec::new();
    for file in rust_below("tests/") {
        let naps = file.code_hits("sleep(", "move the clock, or step the loop");
        let excused = SLEEPERS.iter().any(|(path, _)| *path == file.path);
        if excused && naps.is_empty() {
            found.push(file.at(1, "is excused in SLEEPERS but no longer sleeps"));
        } else if !excused {
            found.extend(naps);
        }
    }
    hold("A test that sleeps is slow on a good day and wrong on a bad one.", &found);
}

fn machine_paths(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for needle in ["/work/", "/home/", "/root/", "/Users/"] {
        for (at, _) in file.text.match_indices(needle) {
            let before = around(&file.text, at, 0).0;
            // The middle of a longer path, or of a URL, is no machine path.
            if !before.ends_with(|c: char| is_word(c) || "-.~})".contains(c)) {
                let why = format!("`{needle}`: exists on one machine only");
                found.push(file.at(line_of(&file.text, at), &why));
            }
        }
    }
    found
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let found: Vec<_> = files().iter().filter(|f| f.path != SELF).flat_map(machine_paths).collect();
    hold("The project is built wherever it is put.", &found);
}

fn is_doc(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("//!")
}

#[test]
fn rules_named_in_the_code_are_listed() {
    let list = files().iter().find(|f| f.path == "docs/rules.md").map_or("", |f| f.text.as_str());
    let listed = rule_ids(list, GROUPS);
    let mut found = Vec::new();
    for file in
        ["src/", "crates/platform/", "entity/", "migration/"].into_iter().flat_map(rust_below)
    {
        for (number, line) in (1..).zip(file.text.lines()).filter(|(_, line)| is_doc(line)) {
            for id in rule_ids(line, GROUPS).into_iter().filter(|id| !listed.contains(id)) {
                found.push(file.at(number, &format!("{id} is not in docs/rules.md")));
            }
        }
    }
    hold("docs/rules.md says where each rule is kept and which test proves it.", &found);
}

fn numbers_refused<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for path in paths {
        let name = path.strip_prefix("docs/decisions/").unwrap_or(path);
        let Some((number, _)) = name.split_once('-').filter(|(n, _)| is_number(n)) else {
            found.push(format!("{path}:1: the name is not NNNN-what-was-decided.md"));
            continue;
        };
        if let Some(other) = seen.insert(number, path) {
            found.push(format!("{path}:1: {number} is taken by {other}"));
        }
    }
    found
}

fn is_number(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn a_decision_has_its_own_number() {
    let decisions = files().iter().map(|f| f.path.as_str());
    let decisions =
        decisions.filter(|p| p.starts_with("docs/decisions/") && !p.ends_with("README.md"));
    hold("A decision is cited by its number.", &numbers_refused(decisions));
}

#[test]
fn the_rules_can_fail() {
    let file = |text: &str| File::new("src/a.rs", text);
    assert_eq!(shape_refused(&file("// a\n")).len(), 1);
    assert_eq!(shape_refused(&file(&format!("//! {}", "ə".repeat(96)))).len(), 0);
    assert_eq!(shape_refused(&file(&format!("//! {}", "ə".repeat(97)))).len(), 1);
    assert_eq!(shape_refused(&file(&format!("//! a{}", "\n".repeat(401)))).len(), 1);
    assert_eq!(unfinished(&file("#[allow(dead_code)] // TODO")).len(), 2);
    assert_eq!(unfinished(&file("let a = \"todo!()\";")).len(), 0);
    assert_eq!(impure_decisions(&file("pub(super) async fn decide(order: &Model) {}")).len(), 1);
    assert_eq!(impure_decisions(&file("fn decide(tx: &mut Tx) -> Step {}")).len(), 1);
    assert_eq!(impure_decisions(&file("async fn run(tx: Tx) {} fn decide(a: u8) {}")).len(), 0);
    assert_eq!(machine_paths(&file("https://a.az/home/ and /home/anar")).len(), 1);
    let twice = ["docs/decisions/0001-a.md", "docs/decisions/0001-b.md", "docs/decisions/2-c.md"];
    assert_eq!(numbers_refused(twice.into_iter()).len(), 2);
}
