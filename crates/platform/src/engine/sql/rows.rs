//! The rows of a write set as parts of its script.

use sea_orm::Value;

use super::{Composer, Guard};
use crate::engine::lock_order::lock_order;
use crate::engine::write_set::{
    Cell, Computed, Count, NewRow, OccupancyClaim, RelativeUpdate, Write,
};

impl Composer {
    pub(super) fn rows(&mut self, writes: &[Write]) {
        let mut ordered: Vec<&Write> = writes.iter().collect();
        ordered.sort_by_cached_key(|w| lock_order(w));
        for write in ordered {
            match write {
                Write::Insert { table, cells, kind } => {
                    let body = self.insert(table, cells, *kind == NewRow::OrKeep);
                    match kind {
                        NewRow::Locked => self.gate(body, Guard::Contended),
                        NewRow::Plain | NewRow::OrKeep => self.loose.push(body),
                    }
                }
                Write::Update { table, key, version, cells } => {
                    let table = table.name;
                    let set = self.equals(cells, ", ");
                    let comma = if set.is_empty() { "" } else { ", " };
                    let found = self.equals(key, " AND ");
                    let version = self.bind(&Value::from(*version));
                    let after = self.after();
                    self.gate(
                        format!(
                            "UPDATE \"{table}\" SET {set}{comma}\"version\" = \"version\" + 1 \
                             WHERE {found} AND \"version\" = {version} AND {after}"
                        ),
                        Guard::Contended,
                    );
                }
                Write::Adjust(adjust) => self.adjust(adjust),
                Write::Count(count) => self.count(count),
                Write::Replace { table, key, cells } => self.replace(table, key, cells),
                Write::Check { table, key, version, firm } => {
                    let table = table.name;
                    let found = self.equals(key, " AND ");
                    let version = self.bind(&Value::from(*version));
                    let after = self.after();
                    let rows = format!(
                        "FROM \"{table}\" WHERE {found} AND \"version\" = {version} AND {after}"
                    );
                    self.check(&rows, *firm);
                }
                Write::Set { table, key, version, cells } => {
                    let table = table.name;
                    let set = self.equals(cells, ", ");
                    let found = self.equals(key, " AND ");
                    let version = self.bind(&Value::from(*version));
                    let after = self.after();
                    self.gate(
                        format!(
                            "UPDATE \"{table}\" SET {set} \
                             WHERE {found} AND \"version\" = {version} AND {after}"
                        ),
                        Guard::Contended,
                    );
                }
                Write::Delete { table, key } => {
                    let found = self.equals(key, " AND ");
                    self.loose.push(format!("DELETE FROM \"{table}\" WHERE {found}"));
                }
                Write::Take(claim) => self.take(claim),
                Write::Free(claim) => self.free(claim),
            }
        }
    }

    fn adjust(&mut self, adjust: &RelativeUpdate) {
        let add = adjust.add.iter().map(|(c, n)| {
            let by = self.bind(&Value::from(*n));
            format!("\"{c}\" = \"{c}\" + {by}")
        });
        let mut sets: Vec<String> = add.collect();
        for cell in &adjust.set {
            sets.push(self.equals(std::slice::from_ref(cell), ", "));
        }
        for Computed { column, sql, values } in &adjust.also {
            sets.push(format!("\"{column}\" = {}", self.filled(sql, values)));
        }
        let mut found = self.equals(&adjust.key, " AND ");
        if let Some((condition, values)) = &adjust.condition {
            found.push_str(" AND ");
            found.push_str(&self.filled(condition, values));
        }
        let (table, after) = (adjust.table.name, self.after());
        self.gate(
            format!("UPDATE \"{table}\" SET {} WHERE {found} AND {after}", sets.join(", ")),
            match &adjust.refusal {
                Some(refusal) => Guard::Refuse(Box::new(refusal.clone())),
                None => Guard::Contended,
            },
        );
    }

    /// One upsert; where the counter is full it changes nothing, and so fails its guard.
    fn count(&mut self, count: &Count) {
        let columns: Vec<String> = count.key.iter().map(|(c, _)| format!("\"{c}\"")).collect();
        let values: Vec<String> = count.key.iter().map(|(_, v)| self.bind(v)).collect();
        let by = self.bind(&Value::from(count.by));
        let most = self.bind(&Value::from(count.most.saturating_sub(count.by)));
        let (table, after) = (count.table.name, self.after());
        let (columns, values) = (columns.join(", "), values.join(", "));
        let bigint = if self.postgres { "::bigint" } else { "" };
        self.gate(
            format!(
                "INSERT INTO \"{table}\" ({columns}, \"n\") SELECT {values}, {by}{bigint} WHERE {after} \
                 ON CONFLICT ({columns}) DO UPDATE SET \"n\" = \"{table}\".\"n\" + {by}{bigint} \
                 WHERE \"{table}\".\"n\" <= {most}"
            ),
            Guard::Refuse(Box::new(count.refusal.clone())),
        );
    }

    /// SQL with each `?` bound to the next value.
    fn filled(&mut self, sql: &str, values: &[Value]) -> String {
        let mut rest = values.iter();
        let mut text = String::new();
        for (i, piece) in sql.split('?').enumerate() {
            if i > 0
                && let Some(value) = rest.next()
            {
                text.push_str(&self.bind(value));
            }
            text.push_str(piece);
        }
        text
    }

    pub(super) fn replace(&mut self, table: &str, key: &[Cell], cells: &[Cell]) {
        let all: Vec<Cell> = key.iter().chain(cells).cloned().collect();
        let insert = self.insert(table, &all, false);
        let keys: Vec<String> = key.iter().map(|(c, _)| format!("\"{c}\"")).collect();
        let sets: Vec<String> =
            cells.iter().map(|(c, _)| format!("\"{c}\" = excluded.\"{c}\"")).collect();
        self.loose.push(format!(
            "{insert} ON CONFLICT ({}) DO UPDATE SET {}",
            keys.join(", "),
            sets.join(", ")
        ));
    }

    /// One row for each occupancy cell. Cells are taken after all locks: commands that may want the
    /// same cells emit to one feed and queue at its counter, which prevents deadlocks.
    fn take(&mut self, claim: &OccupancyClaim) {
        let OccupancyClaim { resource, from, until, holder } = *claim;
        let resource = self.bind(&Value::from(resource));
        let from = self.bind(&Value::from(from));
        let until = self.bind(&Value::from(until));
        let holder = self.bind(&Value::from(holder));
        let (uuid, bigint) = if self.postgres { ("::uuid", "::bigint") } else { ("", "") };
        self.loose.push(format!(
            "INSERT INTO occupancy (resource, n, holder) WITH RECURSIVE t(n) AS (SELECT {from}{bigint} \
             UNION ALL SELECT n + 1 FROM t WHERE n + 1 < {until}{bigint}) \
             SELECT {resource}{uuid}, n, {holder}{uuid} FROM t"
        ));
    }

    fn free(&mut self, claim: &OccupancyClaim) {
        let OccupancyClaim { resource, from, until, holder } = *claim;
        let found = self.equals(
            &[("resource", Value::from(resource)), ("holder", Value::from(holder))],
            " AND ",
        );
        let (from, until) = (self.bind(&Value::from(from)), self.bind(&Value::from(until)));
        self.loose
            .push(format!("DELETE FROM occupancy WHERE {found} AND n >= {from} AND n < {until}"));
    }
}
