//! Module rules: which module may name which, and which may write which tables.

use super::text::{Blank, around, blank, is_word, line_of, named_after, places};
use super::tree::{File, hold, rust_below};

/// The layers of `src/`: a module names only modules of lower layers; those on one line do not name
/// each other. (`entity` is a separate crate, below all of them.)
const ORDER: &[&[&str]] = &[
    &["main"],
    &["demo", "backup"],
    &["app"],
    &["scheduler", "keyring", "reseal", "serving"],
    &["recovery"],
    &["timer_dispatch", "sweeps", "outbox_worker"],
    &["edge"],
    &["support", "notify", "statistics"],
    &["proof"],
    &["orders"],
    &["discovery"],
    &["billing"],
    &["bonus"],
    &["ledger"],
    &["partners", "clients"],
    &["reputation"],
    &["access"],
    &["policy"],
    &["platform"],
];

/// Settings are for the modules that assemble the process or talk to the outside. `config` gathers
/// the settings of each capability, so it may name modules below the edge.
const NAME_CONFIG: &[&str] =
    &["main", "demo", "backup", "app", "scheduler", "keyring", "serving", "edge"];

/// The types of `src/context.rs`. Every module above the platform may name it; it names the state
/// that capabilities share, and nothing of what they do.
const CONTEXT_NAMES: &[&str] =
    &["orders", "billing", "ledger", "partners", "access", "policy", "platform"];

/// Tables with one writer, a file or a folder: below `home` only the writer adds their rows to the
/// write set, and elsewhere nothing creates or changes them.
struct Family {
    tables: &'static [&'static str],
    home: &'static str,
    writer: &'static str,
}

impl Family {
    fn finding(&self, file: &File, at: usize, what: &str) -> String {
        let why = format!("`{what}`: only {} writes {}", self.writer, self.tables.join(", "));
        file.at(line_of(&file.code, at), &why)
    }
}

const FAMILIES: &[Family] = &[
    Family { tables: &["order", "order_step"], home: "src/orders/", writer: "src/orders/write.rs" },
    Family { tables: &["posting"], home: "src/ledger/", writer: "src/ledger/post/" },
];

const PUTS: &[&str] = &["insert", "insert_or_keep", "update", "replace", "delete", "adjust"];
const MADE: &[&str] =
    &["ActiveModel", "Entity::insert", "Entity::update", "Entity::delete", "Model {"];

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
        let refused = rank(to) <= rank("edge");
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
        (None, _) => Some(format!("`{from}` has no place in the order of modules (tests/tidy.rs)")),
        (_, None) => Some(format!("`{to}` has no place in the order of modules (tests/tidy.rs)")),
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

/// Rows added to the write set: in the family's home by any file but the writer, elsewhere by name.
fn foreign_puts(file: &File, family: &Family) -> Vec<String> {
    let strings = blank(&file.text, Blank::Comments);
    let mut found = Vec::new();
    for verb in PUTS {
        let needle = format!("tx.{verb}(");
        for at in places(file.shipped(), &needle) {
            let row = around(&strings, at, needle.len()).1.trim_start_matches(|c| !is_word(c));
            let row = row.strip_prefix("old_").or_else(|| row.strip_prefix("new_")).unwrap_or(row);
            let theirs = family.tables.iter().any(|t| places(row, t).first() == Some(&0));
            if theirs || file.path.starts_with(family.home) {
                found.push(family.finding(file, at, &needle));
            }
        }
    }
    found
}

/// Rows created, or statements on them, outside the family's home.
fn foreign_rows(file: &File, family: &Family) -> Vec<String> {
    let mut found = Vec::new();
    for table in family.tables {
        for made in MADE {
            let needle = format!("{table}::{made}");
            for at in file.shipped().match_indices(&needle).map(|(at, _)| at) {
                let before = around(file.shipped(), at, 0).0;
                let path = before.trim_end_matches(|c| is_word(c) || c == ':').trim_end();
                let a_type = path.ends_with("->") || path.ends_with(" for");
                let no_row = a_type && *made == "Model {";
                if !no_row && !before.ends_with(is_word) {
                    found.push(family.finding(file, at, &needle));
                }
            }
        }
    }
    found
}

fn foreign_writes(file: &File, family: &Family) -> Vec<String> {
    // The platform writes any row it is given and names no table.
    if file.path.starts_with(family.writer) || file.path.starts_with("src/platform/") {
        return Vec::new();
    }
    let mut found = foreign_puts(file, family);
    if !file.path.starts_with(family.home) {
        found.extend(foreign_rows(file, family));
    }
    found
}

#[test]
fn a_family_of_tables_has_one_writer() {
    let writes = |file| FAMILIES.iter().flat_map(move |family| foreign_writes(file, family));
    let found: Vec<_> = rust_below("src/").flat_map(writes).collect();
    hold("One writer per family of tables.", &found);
}

#[test]
fn edges_and_writers_can_be_refused() {
    let edge = |path, text| edges_refused(&File::new(path, text)).len();
    assert_eq!(edge("src/orders/depart.rs", "use crate::{platform::Tx, edge::http};"), 1);
    assert_eq!(
        edge("src/orders/depart.rs", "/// See [`crate::edge`].\nuse crate::policy::Key;"),
        0
    );
    assert_eq!(edge("src/clients/mod.rs", "use super::partners;"), 1);
    assert_eq!(edge("src/app.rs", "mod tests { use super::Stop; }"), 0);
    assert_eq!(edge("src/platform/db.rs", "crate::config::Settings"), 1);
    assert_eq!(edge("src/edge/mod.rs", "crate::config::Settings"), 0);
    assert_eq!(edge("src/config.rs", "use crate::{access::AccessSettings, edge::http};"), 1);
    assert_eq!(edge("src/main.rs", "yumo::nowhere::run();"), 1);
    assert_eq!(edge("src/policy/publish.rs", "use crate::context::Tx;"), 0);
    assert_eq!(edge("src/platform/db.rs", "use crate::context::Tx;"), 1);
    assert_eq!(edge("src/context.rs", "use crate::{policy::Registry, edge::http};"), 1);

    let write = |path, text| {
        let file = File::new(path, text);
        FAMILIES.iter().flat_map(|family| foreign_writes(&file, family)).count()
    };
    assert_eq!(write("src/orders/depart.rs", "tx.insert(step);"), 1);
    assert_eq!(write("src/orders/write.rs", "tx.update(&order, &new_order);"), 0);
    assert_eq!(write("src/billing/funds.rs", "tx.update(&old_order, &order);"), 1);
    assert_eq!(write("src/billing/funds.rs", "tx.insert(hold); tx.delete(\"posting\", key);"), 1);
    assert_eq!(write("src/billing/funds.rs", "fn f() -> ::entity::posting::Model { x }"), 0);
    assert_eq!(write("src/billing/funds.rs", "return entity::posting::Model { id };"), 1);
    assert_eq!(write("src/insight/a.rs", "#[cfg(test)] mod t { order::Model { id }; }"), 0);
}
