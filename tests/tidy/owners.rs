//! Every table has one owner: the module that writes its rows, and whose reads others call.

use std::collections::BTreeMap;

use super::owners_list::{ALL, OWNERS, Owner, Permitted, READS, WRITES};
use super::paths::{Named, named};
use super::text::{Blank, around, blank, is_word, line_of, places};
use super::tree::{File, hold, rust_below, server_code};

fn permitted(list: &[Permitted], path: &str, table: &str) -> bool {
    let named = |tables: &[&str]| tables == ALL || tables.contains(&table);
    list.iter().any(|one| path.starts_with(one.path) && named(one.tables))
}

fn owner_of(table: &str) -> Option<&'static Owner> {
    OWNERS.iter().find(|owner| owner.tables.contains(&table))
}

/// The folder or file of the module that a writer belongs to.
fn module_of(writer: &str) -> &str {
    let end = writer.match_indices('/').nth(1).map_or(writer.len(), |(at, _)| at + 1);
    &writer[..end]
}

/// A statement on a table, or a row of it that is made or put into the write set.
struct Touch {
    at: usize,
    table: String,
    what: String,
    /// A row made or a statement that writes.
    writes: bool,
    /// Put into the write set, which only the writer does.
    puts: bool,
}

/// The table behind a path that ends in its `Entity` or `Model`, through the file's imports.
fn table_of(names: &Named, path: &[String]) -> Option<String> {
    let first = path.first()?;
    let whole: Vec<&String> = match names.imports.get(first) {
        Some(import) => import.iter().chain(path.iter().skip(1)).collect(),
        None => path.iter().collect(),
    };
    let at = whole.iter().position(|name| *name == "entity")?;
    let table = whole.get(at + 1)?;
    let row = whole.get(at + 2)?;
    (["Entity", "Model", "ActiveModel"].contains(&row.as_str())).then(|| (*table).clone())
}

const ROWS_WRITTEN: &[&str] =
    &["insert", "insert_many", "update", "update_many", "delete", "delete_many", "delete_by_id"];
const ROWS_READ: &[&str] = &["find", "find_by_id", "find_related"];
const TABLES_WRITTEN: &[&str] = &["into_table", "from_table", "table"];
const TABLES_READ: &[&str] = &["from", "inner_join", "left_join", "join", "belongs_to"];

/// Statements through the ORM, and rows made.
fn by_path(file: &File, names: &Named, found: &mut Vec<Touch>) {
    let code = file.shipped();
    // A file that never sees a transaction makes rows in memory only.
    let commands = !places(code, "Tx").is_empty();
    let mut touch = |at, table: &str, what: String, writes| {
        found.push(Touch { at, table: table.to_owned(), what, writes, puts: false });
    };
    for path in &names.used {
        let Some(table) = table_of(names, path) else { continue };
        let text = path.join("::");
        let last = path.last().map_or("", String::as_str);
        for at in places(code, &text) {
            let (before, after) = around(code, at, text.len());
            if before.ends_with("::") || after.starts_with("::") {
                continue;
            }
            let verb = before.strip_suffix('(').unwrap_or_default();
            let verb = verb.rsplit(|c| !is_word(c)).next().unwrap_or_default();
            if ROWS_WRITTEN.contains(&last) || ROWS_READ.contains(&last) {
                touch(at, &table, text.clone(), ROWS_WRITTEN.contains(&last));
            } else if last == "Entity" && TABLES_WRITTEN.contains(&verb) {
                touch(at, &table, format!("{verb}({text})"), true);
            } else if last == "Entity" && TABLES_READ.contains(&verb) {
                touch(at, &table, format!("{verb}({text})"), false);
            } else if last == "ActiveModel"
                || (last == "Model" && commands && is_made(before, after))
            {
                touch(at, &table, text.clone(), true);
            }
        }
    }
    // `Model` may be imported by itself.
    for (name, path) in &names.imports {
        let Some(table) = table_of(names, path).filter(|_| path.len() == 3) else { continue };
        for at in places(code, name) {
            let (before, after) = around(code, at, name.len());
            if commands && !before.ends_with("::") && is_made(before, after) {
                touch(at, &table, name.clone(), true);
            }
        }
    }
}

/// Is the type that stands between these texts the literal of a row?
fn is_made(before: &str, after: &str) -> bool {
    let before = before.trim_end().trim_end_matches("entity::").trim_end_matches("::").trim_end();
    let elsewhere = ["->", " for", "let", "impl"];
    let pattern = after.trim_start().split('}').nth(1).is_some_and(|rest| {
        rest.trim_start().starts_with("= ") || rest.trim_start().starts_with("=>")
    });
    after.starts_with(" {") && !pattern && !elsewhere.iter().any(|end| before.ends_with(end))
}

const PUTS: &[&str] = &["insert", "insert_or_keep", "update", "replace"];

/// Rows put into the write set, as far as the text says of which table they are.
fn by_put(file: &File, names: &Named, found: &mut Vec<Touch>) {
    let code = file.shipped();
    for verb in PUTS {
        let needle = format!("tx.{verb}(");
        for at in places(code, &needle) {
            let argument = around(code, at, needle.len()).1;
            let argument = argument.trim_start_matches(|c: char| !is_word(c));
            let name: String = argument.chars().take_while(|c| is_word(*c)).collect();
            let whole = name.strip_prefix("old_").or(name.strip_prefix("new_")).unwrap_or(&name);
            let table = match owner_of(whole) {
                Some(_) => Some(whole.to_owned()),
                None => bound(code, at, &name, names),
            };
            // In the module of a narrower writer, all rows go through it.
            let narrow = OWNERS.iter().find(|owner| {
                let module = module_of(owner.writer);
                owner.writer != module && file.path.starts_with(module)
            });
            let table = table.or_else(|| narrow?.tables.first().map(|&table| table.to_owned()));
            if let Some(table) = table {
                found.push(Touch { at, table, what: needle.clone(), writes: true, puts: true });
            }
        }
    }
}

/// The table of a local name: from the type or the load in its nearest binding.
fn bound(code: &str, at: usize, name: &str, names: &Named) -> Option<String> {
    let mut before = code.get(..at)?;
    loop {
        let nearest = places(before, name).into_iter().rev().find(|at| {
            let (head, tail) = around(before, *at, name.len());
            let head = head.trim_end();
            let head = head.strip_suffix("mut").map_or(head, str::trim_end);
            let declared = head.ends_with("let") && !tail.starts_with("::");
            declared || (tail.starts_with(": ") && !head.ends_with('.'))
        })?;
        let (head, tail) = around(before, nearest, name.len());
        let end = if tail.starts_with(": ") { [',', ')', '='] } else { [';'; 3] };
        let binding = tail.split(end).next().unwrap_or_default();
        let mut types = named(binding).used;
        let words = binding.split(|c| !is_word(c)).filter(|word| names.imports.contains_key(*word));
        types.extend(words.map(|word| vec![word.to_owned()]));
        let table = types.iter().find_map(|path| table_of(names, path));
        if table.is_some() {
            return table;
        }
        // `let row = row.ok_or(…)?;`
        let value = binding.trim_start_matches([' ', '=', '&']);
        let again = value.strip_prefix("Tx::must(").is_some() || value.starts_with(name);
        if !again {
            return None;
        }
        before = head;
    }
}

const SQL: &[(&str, bool)] = &[
    ("INSERT INTO", true),
    ("UPDATE", true),
    ("DELETE FROM", true),
    ("FROM", false),
    ("JOIN", false),
];

/// Statements in text, and the tables of conditional updates and deletions.
fn by_text(file: &File, found: &mut Vec<Touch>) {
    let text = blank(&file.text, Blank::Comments);
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut touch = |at, table: &str, what: &str, writes| {
        if owner_of(table).is_some() {
            let (table, what) = (table.to_owned(), what.to_owned());
            found.push(Touch { at, table, what, writes, puts: writes });
        }
    };
    for (verb, writes) in SQL {
        for at in places(text, verb) {
            let (before, after) = around(text, at, verb.len());
            let name = after.trim_start_matches([' ', '\\', '\n', '"']);
            let name = name.split(|c| !is_word(c)).next().unwrap_or_default();
            if !before.ends_with("DELETE ") {
                touch(at, name, verb, *writes);
            }
        }
    }
    for needle in ["table: \"", "tx.delete(\""] {
        for (at, _) in text.match_indices(needle) {
            let (before, after) = around(text, at, needle.len());
            let name = after.split('"').next().unwrap_or_default();
            let update = before.trim_end().ends_with("RelativeUpdate {");
            if update || needle.starts_with("tx.") {
                touch(at, name, needle, true);
            }
        }
    }
}

fn touches(file: &File) -> Vec<Touch> {
    let names = named(file.shipped());
    let mut found = Vec::new();
    by_path(file, &names, &mut found);
    by_put(file, &names, &mut found);
    by_text(file, &mut found);
    found
}

/// The writes and queries of a file on tables that it does not own.
fn foreign(file: &File) -> Vec<String> {
    // The platform writes any row it is given.
    let platform = file.path.starts_with("crates/platform/src/");
    let finding = |touch: &Touch| {
        let owner = owner_of(&touch.table)?;
        let home = if touch.puts { owner.writer } else { module_of(owner.writer) };
        let list = if touch.writes { WRITES } else { READS };
        let own = file.path.starts_with(home) || (platform && touch.what.starts_with("tx."));
        if own || permitted(list, &file.path, &touch.table) {
            return None;
        }
        let verb = if touch.writes { "writes" } else { "reads" };
        let (what, table) = (&touch.what, &touch.table);
        let line = line_of(&file.text, touch.at);
        Some(file.at(line, &format!("`{what}`: {verb} {table}, which {home} owns")))
    };
    touches(file).iter().filter_map(finding).collect()
}

#[test]
fn tables_are_written_and_queried_by_their_owner() {
    let found: Vec<_> = server_code().flat_map(foreign).collect();
    hold("One owner for each table; others call it.", &found);
}

/// The tables of the schema.
fn tables() -> Vec<(&'static File, String)> {
    let mut tables = Vec::new();
    for file in rust_below("entity/src/") {
        for (at, needle) in file.text.match_indices("table_name = \"") {
            let name = around(&file.text, at, needle.len()).1.split('"').next();
            tables.extend(name.map(|name| (file, name.to_owned())));
        }
    }
    tables
}

#[test]
fn every_table_has_one_owner() {
    let tables = tables();
    assert!(tables.len() > 50, "{} tables", tables.len());
    let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
    for table in OWNERS.iter().flat_map(|owner| owner.tables) {
        *listed.entry(table).or_default() += 1;
    }
    let mut found = Vec::new();
    for (file, table) in &tables {
        match listed.remove(table.as_str()) {
            Some(1) => {}
            times => found.push(file.at(1, &format!("{table} has {times:?} owners, not one"))),
        }
    }
    found.extend(listed.keys().map(|table| format!("{table} is no table of entity/src")));
    hold("Every table has one owner.", &found);
}

#[test]
fn exceptions_are_needed_and_have_a_reason() {
    let mut found = Vec::new();
    for (list, writes) in [(WRITES, true), (READS, false)] {
        for one in list {
            let files = server_code().filter(|file| file.path.starts_with(one.path));
            let used: Vec<Touch> = files
                .flat_map(touches)
                .filter(|touch| touch.writes == writes && !one.why.is_empty())
                .collect();
            let idle = |table: &&&str| **table != "*" && used.iter().all(|t| t.table != **table);
            found.extend(one.tables.iter().filter(idle).map(|t| format!("{}: {t}", one.path)));
        }
    }
    hold("An exception that nobody needs is removed.", &found);
}

#[test]
fn a_foreign_write_or_query_is_seen() {
    let seen = |path: &str, text: &str| foreign(&File::new(path, text)).len();
    let other = "src/support/a.rs";
    assert_eq!(seen(other, "tx.insert(posting);"), 1);
    // Both the row that is made and the row that is put.
    let made = "use entity::penalty;\nfn f(tx: &mut Tx) { tx.insert(penalty::Model { id }); }";
    assert_eq!(seen(other, made), 2);
    assert_eq!(seen("src/billing/a.rs", made), 0);
    let alias = "use entity::payout::{self as row};\nfn f() { row::Entity::update_many(); }";
    assert_eq!(seen(other, alias), 1);
    assert_eq!(seen("src/billing/a.rs", alias), 0);
    let loaded = "use entity::lot;\nlet row = tx.find::<lot::Entity>(id).await?;\n\
                  let row = row.ok_or(No)?;\ntx.update(&row, &next);";
    assert_eq!(seen(other, loaded), 1);
    assert_eq!(seen("src/bonus/a.rs", loaded), 0);
    assert_eq!(seen(other, "fn f(row: &entity::lot::Model) { tx.update(row, &next); }"), 1);
    assert_eq!(seen(other, "use entity::lot::Model;\nfn f(r: &Model) { tx.update(r, &n); }"), 1);
    assert_eq!(seen(other, "let sql = \"UPDATE wallet SET held = 0\";"), 1);
    assert_eq!(seen(other, "let sql = \"SELECT 1 FROM \\\n  \\\"penalty\\\" p\";"), 1);
    assert_eq!(seen(other, "tx.adjust(RelativeUpdate {\n table: \"person\", key });"), 1);
    assert_eq!(seen(other, "tx.delete(\"occupancy\", key);"), 1);
    assert_eq!(seen(other, "use entity::lot;\nq.from(lot::Entity).from(x);"), 1);
    assert_eq!(seen(other, "use entity::lot;\nq.into_table(lot::Entity);"), 1);
    assert_eq!(seen(other, "use entity::lot;\nfn f(tx: Tx) -> lot::Model { g() }"), 0);
    assert_eq!(seen(other, "use entity::lot;\nTx; let lot::Model { id, .. } = row;"), 0);
    assert_eq!(seen(other, "use entity::lot;\ntx.find::<lot::Entity>(id);"), 0);
    assert_eq!(seen(other, "#[cfg(test)] mod t { fn f(tx: Tx) { lot::Model { id }; } }"), 0);
    // One file writes an order; the others of its module hand it what they decided.
    assert_eq!(seen("src/orders/a.rs", "tx.insert(step);"), 1);
    assert_eq!(seen("src/orders/a.rs", "use entity::order;\nlet next = order::Model { id };"), 0);
    assert_eq!(seen("src/orders/write.rs", "tx.insert(order_step);"), 0);
}
