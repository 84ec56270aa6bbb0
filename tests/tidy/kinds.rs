//! Kinds are enums: no event and no timer is spelled outside `entity`.

use std::collections::BTreeSet;

use super::text::{Blank, blank};
use super::tree::{File, files, hold, server_code};

/// The files that spell the kinds of events and timers.
const SPELLED: [&str; 2] = ["entity/src/kinds/event.rs", "entity/src/kinds/timer.rs"];

/// The keys of the policy are spelled like kinds.
const KEYS: &str = "src/policy/";

/// The texts in quotes that are two words with a dot between them, each with its line and number.
fn dotted(source: &str) -> Vec<(usize, &str, &str)> {
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut found = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        // Every second piece of a line stands between quotes.
        let quoted = line.split('"').skip(1).step_by(2);
        let two = |text: &&str| text.split_once('.').is_some_and(|(a, b)| word(a) && word(b));
        found.extend(quoted.filter(two).map(|text| (number, line, text)));
    }
    found
}

fn spelled_again(file: &File, spelled: &BTreeSet<String>) -> Vec<String> {
    let topic = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    let topics: BTreeSet<String> = spelled.iter().map(|text| topic(text)).collect();
    let source = blank(&file.text, Blank::Comments);
    let mut found = Vec::new();
    for (number, line, text) in dotted(&source) {
        let like_one = topics.contains(&topic(text)) && !file.path.starts_with(KEYS);
        // A uniqueness rule names a table and its columns.
        if spelled.contains(text) || (like_one && !line.contains("columns:")) {
            found.push(file.at(number, &format!("\"{text}\": name the case of its enum")));
        }
    }
    found
}

fn spelled() -> BTreeSet<String> {
    let kinds = files().iter().filter(|file| SPELLED.contains(&file.path.as_str()));
    let texts = kinds.flat_map(|file| dotted(&file.text)).map(|(_, _, text)| text.to_owned());
    texts.collect()
}

#[test]
fn kinds_are_spelled_in_one_place() {
    let spelled = spelled();
    assert!(spelled.len() > 100, "the spellings were not found: {spelled:?}");
    let found: Vec<String> = server_code().flat_map(|file| spelled_again(file, &spelled)).collect();
    hold("A kind has one spelling, in `entity`.", &found);
}

#[test]
fn a_second_spelling_is_seen() {
    let spelled = BTreeSet::from(["order.burned".to_owned()]);
    let found = |path: &str, text: &str| spelled_again(&File::new(path, text), &spelled).len();
    assert_eq!(found("src/a.rs", "emit(\"order.burned\");\nemit(\"order.new_one\");"), 2);
    assert_eq!(found("src/a.rs", "columns: \"order.car_id\", // \"order.burned\""), 0);
    assert_eq!(found("src/policy/a.rs", "(\"order.acts_per_min\", \"order.burned\")"), 1);
}
