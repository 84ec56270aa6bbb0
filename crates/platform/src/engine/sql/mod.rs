//! The write set as SQL: one statement that checks its own guards on PostgreSQL, one script on
//! `SQLite`.
//!
//! Guarded parts run in lock order (key, rows, wallets, feed counters, the fired timer), each only
//! if the one before it found its row; a part that did not fails its guard, which undoes the whole
//! flush and reports which part it was. PostgreSQL promises no order among data-modifying CTEs, so
//! every guarded part counts the rows of the one before it.

mod outbox;
mod rows;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entity::value::Instant;
use sea_orm::{DatabaseBackend, Statement, Value};

use super::write_set::{Cell, Event, Fired, TimerWrite, WriteSet};
use crate::refusal::Refused;

/// What a failed guard means.
#[derive(Debug)]
pub enum Guard {
    /// The row was changed by another command.
    Contended,
    /// The condition does not hold.
    Refuse(Box<Refused>),
    /// The timer is gone or was armed again.
    StaleTimer,
}

/// A flush ready to run: the statement, which returns one row with the new number of each feed, and
/// the meaning of its parts.
#[derive(Debug)]
pub struct Script {
    /// The statement.
    pub statement: Statement,
    /// The meaning of its parts.
    pub plan: StatementPlan,
}

/// The meaning of a script's parts.
#[derive(Debug)]
pub struct StatementPlan {
    /// What the failure of each guard means.
    pub guards: Vec<Guard>,
    /// Each audience and how many event numbers it takes, in the order of the row's columns.
    pub feeds: Vec<(String, usize)>,
}

/// Name of the uniqueness rule of idempotency keys, on PostgreSQL and on `SQLite`.
pub const KEY_UNIQUE: (&str, &str) = ("idempotency_pkey", "idempotency.actor");

/// A guarded part; one that changes rows is counted by the rows it changed.
struct Part {
    body: String,
    changes: bool,
}

struct Composer {
    postgres: bool,
    values: Vec<Value>,
    gated: Vec<Part>,
    loose: Vec<String>,
    guards: Vec<Guard>,
}

/// Composes the script of a write set.
#[must_use]
pub fn compose(set: &WriteSet, backend: DatabaseBackend, now: Instant) -> Script {
    let mut composer = Composer {
        postgres: backend == DatabaseBackend::Postgres,
        values: Vec::new(),
        gated: Vec::new(),
        loose: Vec::new(),
        guards: Vec::new(),
    };
    if let Some(key) = &set.key {
        let body = composer.insert("idempotency", key, false);
        composer.gate(body, Guard::Contended);
    }
    composer.rows(&set.writes);
    let feeds = composer.feeds(&set.events, now);
    composer.messages(&set.messages, now);
    composer.timers(&set.timers, set.fired.as_ref());
    let text = composer.text(&feeds);
    Script {
        statement: Statement::from_sql_and_values(backend, text, composer.values),
        plan: StatementPlan {
            guards: composer.guards,
            feeds: feeds.into_iter().map(|(audience, n, _)| (audience, n)).collect(),
        },
    }
}

impl Composer {
    fn bind(&mut self, value: &Value) -> String {
        self.values.push(value.clone());
        format!("${}", self.values.len())
    }

    fn gate(&mut self, body: String, meaning: Guard) {
        self.gated.push(Part { body, changes: true });
        self.guards.push(meaning);
    }

    /// Adds a guarded part that changes nothing: the rows must exist. One statement sees what had
    /// committed when it began, so on PostgreSQL a firm check locks its rows; `SQLite` has one
    /// writer.
    fn check(&mut self, rows: &str, firm: bool) {
        let n = self.gated.len();
        let body = if self.postgres {
            format!("SELECT 1 {rows}{}", if firm { " FOR SHARE" } else { "" })
        } else {
            format!("INSERT INTO gate (holds, n) SELECT count(*), {n} {rows}")
        };
        self.gated.push(Part { body, changes: false });
        self.guards.push(Guard::Contended);
    }

    /// The condition that the guarded part before this one found its row.
    fn after(&self) -> String {
        match self.gated.len().checked_sub(1) {
            Some(last) if self.postgres => format!("(SELECT count(*) FROM g{last}) = 1"),
            _ => "true".to_owned(),
        }
    }

    fn insert(&mut self, table: &str, cells: &[Cell], or_keep: bool) -> String {
        let columns: Vec<String> = cells.iter().map(|(c, _)| format!("\"{c}\"")).collect();
        let values: Vec<String> = cells.iter().map(|(_, v)| self.bind(v)).collect();
        let keep = if or_keep { " ON CONFLICT DO NOTHING" } else { "" };
        format!(
            "INSERT INTO \"{table}\" ({}) VALUES ({}){keep}",
            columns.join(", "),
            values.join(", ")
        )
    }

    fn equals(&mut self, cells: &[Cell], between: &str) -> String {
        let pairs: Vec<String> =
            cells.iter().map(|(c, v)| format!("\"{c}\" = {}", self.bind(v))).collect();
        pairs.join(between)
    }

    fn feeds(&mut self, events: &[Event], now: Instant) -> Vec<(String, usize, String)> {
        let mut by_audience: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for fact in events {
            by_audience.entry(&fact.audience).or_default().push(fact);
        }
        let mut feeds = Vec::new();
        for (audience, events) in by_audience {
            let n = events.len();
            let name = self.bind(&Value::from(audience));
            let after = self.after();
            let source = if self.postgres {
                format!("SELECT {name}, {n} WHERE {after}")
            } else {
                format!("VALUES ({name}, {n})")
            };
            let counter = self.gated.len();
            self.gate(
                format!(
                    "INSERT INTO feed (audience, last_seq) {source} ON CONFLICT (audience) \
                     DO UPDATE SET last_seq = feed.last_seq + {n}"
                ),
                Guard::Contended,
            );
            for (i, fact) in events.into_iter().enumerate() {
                self.event(fact, &name, counter, n - 1 - i, now);
            }
            feeds.push((audience.to_owned(), n, name));
        }
        feeds
    }

    fn event(&mut self, fact: &Event, audience: &str, counter: usize, back: usize, now: Instant) {
        let cells = [
            Value::from(fact.id.0),
            Value::from(fact.kind),
            Value::from(now),
            Value::from(fact.subject),
            Value::from(fact.session_id.map(|id| id.0)),
            Value::from(fact.payload.clone()),
        ];
        let bound: Vec<String> = cells.iter().map(|v| self.bind(v)).collect();
        let from = if self.postgres {
            format!("g{counter}")
        } else {
            format!("feed WHERE audience = {audience}")
        };
        self.loose.push(format!(
            "INSERT INTO feed_event (audience, seq, id, kind, at, subject, session_id, payload) \
             SELECT {audience}, last_seq - {back}, {} FROM {from}",
            bound.join(", ")
        ));
    }

    fn timers(&mut self, timers: &[TimerWrite], fired: Option<&Fired>) {
        let mut again = None;
        for timer in timers {
            if fired.is_some_and(|f| f.kind.is_kind(timer.kind) && f.subject == timer.subject) {
                again = Some(timer);
                continue;
            }
            let key = [("kind", Value::from(timer.kind)), ("subject", Value::from(timer.subject))];
            if let Some(due) = timer.due {
                self.replace("timer", &key, &armed(due, timer.generation));
            } else {
                let found = self.equals(&key, " AND ");
                self.loose.push(format!("DELETE FROM timer WHERE {found}"));
            }
        }
        let Some(fired) = fired else { return };
        let set = again.and_then(|t| t.due.map(|due| armed(due, t.generation)));
        let set = set.map(|cells| self.equals(&cells, ", "));
        let found = self.equals(
            &[
                ("kind", Value::from(fired.kind.clone())),
                ("subject", Value::from(fired.subject)),
                ("generation", Value::from(fired.generation)),
            ],
            " AND ",
        );
        let after = self.after();
        let body = match set {
            Some(set) => format!("UPDATE timer SET {set} WHERE {found} AND {after}"),
            None => format!("DELETE FROM timer WHERE {found} AND {after}"),
        };
        self.gate(body, Guard::StaleTimer);
    }

    fn text(&self, feeds: &[(String, usize, String)]) -> String {
        let first_feed = self.guards.len()
            - feeds.len()
            - usize::from(matches!(self.guards.last(), Some(Guard::StaleTimer)));
        if self.postgres { self.cte(feeds.len(), first_feed) } else { self.script(feeds) }
    }

    fn cte(&self, feeds: usize, first_feed: usize) -> String {
        let mut text = String::from("WITH ");
        for (i, Part { body, changes }) in self.gated.iter().enumerate() {
            let returning = if (first_feed..first_feed + feeds).contains(&i) {
                " RETURNING feed.last_seq AS last_seq"
            } else if *changes {
                " RETURNING 1"
            } else {
                ""
            };
            let _ = write!(text, "g{i} AS ({body}{returning}), ");
        }
        for (i, body) in self.loose.iter().enumerate() {
            let _ = write!(text, "u{i} AS ({body}), ");
        }
        text.truncate(text.len() - 2);
        text.push_str(" SELECT ");
        // Each part counts the one before it, so the last one proves all; only where its row is
        // missing are the parts searched for the one that failed.
        if let Some(last) = self.gated.len().checked_sub(1) {
            let gate = |i| format!("gate((SELECT count(*) FROM g{i}) = 1, {i})");
            let asked: Vec<String> = (0..=last).map(gate).collect();
            let asked = asked.join(" AND ");
            let _ = write!(text, "CASE WHEN (SELECT count(*) FROM g{last}) = 1 THEN true ");
            let _ = write!(text, "ELSE {asked} END");
        } else {
            text.push_str("true");
        }
        text.push_str(" AS done");
        for i in 0..feeds {
            let _ = write!(text, ", (SELECT last_seq FROM g{}) AS f{i}", first_feed + i);
        }
        text
    }

    fn script(&self, feeds: &[(String, usize, String)]) -> String {
        let mut text = String::from("SAVEPOINT one; ");
        for (i, Part { body, changes }) in self.gated.iter().enumerate() {
            let _ = write!(text, "{body}; ");
            if *changes {
                let _ = write!(text, "INSERT INTO gate (holds, n) VALUES (changes(), {i}); ");
            }
        }
        for body in &self.loose {
            let _ = write!(text, "{body}; ");
        }
        text.push_str("RELEASE one; SELECT true AS done");
        for (i, (_, _, name)) in feeds.iter().enumerate() {
            let _ = write!(text, ", (SELECT last_seq FROM feed WHERE audience = {name}) AS f{i}");
        }
        text
    }
}

fn armed(due: Instant, generation: i64) -> [Cell; 4] {
    [
        ("due_at", Value::from(due)),
        ("generation", Value::from(generation)),
        ("attempts", Value::from(0_i32)),
        ("parked_at", Value::from(None::<Instant>)),
    ]
}
