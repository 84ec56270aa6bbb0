//! Plain words: names and phrases that STYLE.md replaced by the field's standard terms stay out of
//! the tree, and each public type name has one home.

use std::collections::BTreeMap;

use crate::tree::{File, hold, rust_below, server_code};

/// Identifiers that are not used any more, and what to say instead.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("Wish", "OrderRequest, PaymentRequest"),
    ("Outdated", "StaleTimer"),
    ("Kept", "RowCache"),
    ("find_kept", "find_cached"),
    ("leaned", "cached_reads"),
    ("trusting", "use_cache"),
    ("Landing", "CommitOutcome"),
    ("land", "commit"),
    ("Purse", "BonusAccount"),
    ("purse", "bonus_account"),
    ("Fitting", "HoldAllocator"),
    ("give_back", "release"),
    ("let_go", "release"),
    ("Told", "…Event"),
    ("Seat", "Subscriber"),
    ("Marks", "WakeFlags"),
    ("Trouble", "ProviderError, ApiError"),
    ("timetable", "timer_dispatch"),
    ("clockwork", "scheduler"),
    ("Clockwork", "Scheduler"),
    ("rounds", "sweeps"),
    ("refit", "reprice"),
    ("stretch", "extend"),
    ("shut_out", "close_for_block"),
    ("ShutOut", "CloseForBlock"),
    ("barred", "registration_ban"),
    ("Instead", "Overrides"),
    ("by_hand", "manual_loops"),
    ("sundial", "clock_sync"),
    ("Sundial", "ClockSync"),
    ("till", "branch_balance"),
    ("sight", "state"),
    ("guests", "demo_logins"),
    ("Wanted", "…Query"),
];

/// Phrases of comments and documents that hide their subject.
const PHRASES: &[(&str, &str)] = &[
    ("what nobody does", "deadlines that pass unanswered are handled by scheduled timers"),
    ("nobody waits in a circle", "a fixed lock order prevents deadlocks"),
    ("leaned on", "read from the cache; the commit verifies its version"),
    ("a heart that was stopped", "the process was killed"),
];

fn refused(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (word, instead) in IDENTIFIERS {
        found.extend(file.code_hits(word, &format!("say {instead} (STYLE.md, plain words)")));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        for (phrase, instead) in PHRASES.iter().filter(|(phrase, _)| line.contains(phrase)) {
            found.push(file.at(number, &format!("\"{phrase}\": say \"{instead}\"")));
        }
    }
    found
}

#[test]
fn names_are_the_fields_own_terms() {
    let found = rust_below("").filter(|file| file.path != SELF).flat_map(refused);
    hold("A stranger understands a name without asking.", &found.collect::<Vec<_>>());
}

/// This file names what it forbids.
const SELF: &str = "tests/tidy/words.rs";

/// Names that every table of `entity` has, by the ORM's own rule.
const OF_EVERY_TABLE: &[&str] = &["Model", "Relation"];

/// The public types a file declares, with their lines.
fn public_types(file: &File) -> Vec<(String, usize)> {
    let declared = |line: &str| {
        let line = line.trim_start().strip_prefix("pub")?;
        let line = line.strip_prefix("(crate)").or(line.strip_prefix("(super)")).unwrap_or(line);
        let mut kinds = ["struct ", "enum ", "trait ", "type "].iter();
        let rest = kinds.find_map(|kind| line.trim_start().strip_prefix(*kind))?;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        // `type Tx = tx::Tx<Context>` fixes a parameter: the name means the same thing.
        if rest.contains(&format!("::{name}<")) {
            return None;
        }
        (!name.is_empty() && !OF_EVERY_TABLE.contains(&name.as_str())).then_some(name)
    };
    let lines = (1..).zip(file.code.lines());
    lines.filter_map(|(number, line)| Some((declared(line)?, number))).collect()
}

#[test]
fn each_public_type_name_has_one_home() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in server_code().chain(rust_below("entity/")) {
        for (name, line) in public_types(file) {
            homes.entry(name).or_default().push(file.at(line, ""));
        }
    }
    let twice = homes.into_iter().filter(|(_, places)| places.len() > 1);
    let found: Vec<String> = twice.map(|(name, at)| format!("{name}: {}", at.join(", "))).collect();
    hold("A name means one thing.", &found);
}

#[test]
fn old_words_and_second_homes_are_seen() {
    let file = File::new("src/a.rs", "//! A.\npub struct Wish;\n// what nobody does\n");
    assert_eq!(refused(&file).len(), 2);
    assert_eq!(public_types(&file), [("Wish".to_owned(), 2)]);
    let fixed = File::new("src/b.rs", "pub type Tx = tx::Tx<Context>;\npub type Ty = tx::Tx<()>;");
    assert_eq!(public_types(&fixed), [("Ty".to_owned(), 2)]);
}
