//! The order state machine against the hand-written matrix of every kind × command × actor × status
//! (ORD-1).

use std::collections::BTreeMap;

use entity::order::{OrderKind, OrderStatus};
use entity::value::Actor;
use sea_orm::Iterable;
use strum::IntoEnumIterator;
use yumo::orders::machine::{Intent, To, allow};

const MATRIX: &str = include_str!("matrix.txt");

/// Kind, command, actor, status; `none` before the order exists.
type Cell = (String, String, String, String);

/// The columns of the file, in the file's order.
const COLUMNS: [&str; 7] =
    ["none", "requested", "confirmed", "on_the_way", "active", "completed", "cancelled"];

fn written() -> BTreeMap<Cell, String> {
    let mut cells = BTreeMap::new();
    let lines = MATRIX.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    for (n, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (name, verdicts) = line.split_once('|').unwrap_or_else(|| panic!("line {n}: no |"));
        let name: Vec<&str> = name.split_whitespace().collect();
        let verdicts: Vec<&str> = verdicts.split_whitespace().collect();
        assert_eq!((name.len(), verdicts.len()), (3, COLUMNS.len()), "line {n}: {line}");
        for (column, verdict) in COLUMNS.iter().zip(verdicts) {
            let cell = [name[0], name[1], name[2], column].map(str::to_owned).into();
            let twice = cells.insert(cell, verdict.to_owned());
            assert!(twice.is_none(), "line {n} says again: {line}");
        }
    }
    cells
}

fn decided() -> BTreeMap<Cell, String> {
    let mut cells = BTreeMap::new();
    for intent in <Intent as IntoEnumIterator>::iter() {
        for (kind, actor) in pairs() {
            let statuses = <OrderStatus as Iterable>::iter().map(Some);
            for status in std::iter::once(None).chain(statuses) {
                let verdict = match allow(kind, status, intent, actor) {
                    Ok(To::Status(status)) => status.to_string(),
                    Ok(To::Same) => "same".to_owned(),
                    Ok(To::Former) => "former".to_owned(),
                    Err(_) => "no".to_owned(),
                };
                let status = status.map_or("none".to_owned(), |status| status.to_string());
                let cell = (kind.to_string(), intent.to_string(), actor.to_string(), status);
                cells.insert(cell, verdict);
            }
        }
    }
    cells
}

fn pairs() -> impl Iterator<Item = (OrderKind, Actor)> {
    <OrderKind as Iterable>::iter()
        .flat_map(|kind| <Actor as Iterable>::iter().map(move |actor| (kind, actor)))
}

/// ORD-1: the machine allows and refuses exactly what the matrix says; no cell is missing or
/// superfluous.
#[test]
fn ord_1_the_machine_says_what_the_matrix_says() {
    let (written, decided) = (written(), decided());
    let missing: Vec<_> = decided.keys().filter(|cell| !written.contains_key(cell)).collect();
    assert!(missing.is_empty(), "the matrix lacks {missing:?}");
    let extra: Vec<_> = written.keys().filter(|cell| !decided.contains_key(cell)).collect();
    assert!(extra.is_empty(), "the machine knows nothing of {extra:?}");
    let differ: Vec<_> = written
        .iter()
        .filter(|(cell, verdict)| decided[*cell] != **verdict)
        .map(|(cell, verdict)| format!("{cell:?}: written {verdict}, decided {}", decided[cell]))
        .collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(written.len(), <Intent as IntoEnumIterator>::iter().count() * 2 * 4 * COLUMNS.len());
}
