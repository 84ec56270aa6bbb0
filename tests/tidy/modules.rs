//! Module rules: which module may name which.

use super::text::named_after;
use super::tree::{File, hold, rust_below};

/// The layers of `src/`: a module names only modules of lower layers; those on one line do not name
/// each other. (`entity` is a separate crate, below all of them.)
const ORDER: &[&[&str]] = &[
    &["main"],
    &["demo", "backup"],
    &["app"],
    &["startup", "jobs"],
    &["api", "providers"],
    &["support", "notifications", "statistics"],
    &["proof"],
    &["orders"],
    &["search"],
    &["billing"],
    &["bonus"],
    &["ledger"],
    &["partners", "clients"],
    &["reputation"],
    &["access"],
    &["policy"],
];

/// Settings are for the modules that assemble the process or talk to the outside. `config` gathers
/// the settings of each capability, so it may name modules below the API.
const NAME_CONFIG: &[&str] =
    &["main", "demo", "backup", "app", "startup", "jobs", "api", "providers"];

/// The types of `src/context.rs`. Every module above the platform may name it; it names the state
/// that capabilities share, and nothing of what they do.
const CONTEXT_NAMES: &[&str] =
    &["orders", "billing", "ledger", "partners", "access", "policy", "platform"];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|line| line.contains(&module))
}

/// The reason why a module may not name another, if there is one.
fn edge_refused(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    if to == "config" {
        let refused = !NAME_CONFIG.contains(&from);
        return refused.then(|| format!("settings are handed to `{from}`, it does not name them"));
    }
    if from == "config" {
        let refused = rank(to) <= rank("api");
        return refused.then(|| format!("config knows nothing of `{to}`"));
    }
    if from == "context" {
        let refused = !CONTEXT_NAMES.contains(&to);
        return refused.then(|| format!("the context shares no state of `{to}`"));
    }
    if to == "context" && from != "platform" && rank(from).is_some() {
        return None;
    }
    match (rank(from), rank(to)) {
        (Some(left), Some(right)) if left < right => None,
        (Some(_), Some(_)) => Some(format!("`{to}` stands to the left of or beside `{from}`")),
        (None, _) => {
            Some(format!("`{from}` has no place in the order of modules (tests/tidy/main.rs)"))
        }
        (_, None) => {
            Some(format!("`{to}` has no place in the order of modules (tests/tidy/main.rs)"))
        }
    }
}

fn edges_refused(file: &File) -> Vec<String> {
    let Some((from, depth)) = file.module() else { return Vec::new() };
    let mut named = named_after(&file.code, "crate::");
    named.extend(named_after(&file.code, "yumo::"));
    // In an inline module, the same `super::` leads only to the file itself.
    let above = named_after(&file.code, &"super::".repeat(depth));
    named.extend(above.into_iter().filter(|(_, to)| rank(to).is_some() || to == "config"));
    let refused = |(line, to): (usize, String)| {
        edge_refused(from, &to).map(|why| file.at(line, &format!("names `{to}`: {why}")))
    };
    named.into_iter().filter_map(refused).collect()
}

#[test]
fn modules_name_only_what_stands_to_their_right() {
    let found: Vec<_> = rust_below("src/").flat_map(edges_refused).collect();
    hold("A new edge between modules is the change to argue about.", &found);
}

#[test]
fn edges_can_be_refused() {
    let edge = |path, text| edges_refused(&File::new(path, text)).len();
    assert_eq!(edge("src/orders/visit/depart.rs", "use crate::{policy::Key, api::http};"), 1);
    assert_eq!(
        edge("src/orders/visit/depart.rs", "/// See [`crate::api`].\nuse crate::policy::Key;"),
        0
    );
    assert_eq!(edge("src/clients/mod.rs", "use super::partners;"), 1);
    assert_eq!(edge("src/app.rs", "mod tests { use super::Stop; }"), 0);
    assert_eq!(edge("src/policy/read.rs", "crate::config::Settings"), 1);
    assert_eq!(edge("src/api/mod.rs", "crate::config::Settings"), 0);
    assert_eq!(edge("src/config.rs", "use crate::{access::AccessSettings, api::http};"), 1);
    assert_eq!(edge("src/main.rs", "yumo::nowhere::run();"), 1);
    assert_eq!(edge("src/policy/publish.rs", "use crate::context::Tx;"), 0);
    assert_eq!(edge("src/context.rs", "use crate::{policy::Registry, api::http};"), 1);
}
