//! Every row of every table, as text: to check that nothing changed, and what is never stored.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, Statement};

use crate::support::World;

/// Rows by table.
pub type Rows = BTreeMap<String, Vec<String>>;

/// Tables written by signing in and by connections; a refused request may leave rows there.
const APART: [&str; 6] =
    ["otp", "otp_budget", "session", "heartbeat", "storage_probe", "seaql_migrations"];

/// All rows.
pub async fn all(world: &World) -> Rows {
    let db = world.db();
    let mut rows = Rows::new();
    for table in texts(&db, TABLES).await {
        let sql = select(&db, &table).await;
        let mut found = texts(&db, [sql.as_str(), sql.as_str()]).await;
        found.sort();
        rows.insert(table, found);
    }
    assert!(rows.len() > 25, "these are all tables: {:?}", rows.keys());
    rows
}

/// All rows that commands write.
pub async fn written(world: &World) -> Rows {
    let mut rows = all(world).await;
    rows.retain(|table, _| !APART.contains(&table.as_str()));
    rows
}

/// Asserts that no row that commands write has changed.
pub async fn unchanged(world: &World, before: &Rows, what: &str) {
    let after = written(world).await;
    for (table, rows) in before {
        assert_eq!(&after[table], rows, "{what} changed {table}");
    }
    assert_eq!(after.len(), before.len());
}

/// The table list on `SQLite`, on PostgreSQL.
const TABLES: [&str; 2] = [
    "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = current_schema()",
];

async fn select(db: &DatabaseConnection, table: &str) -> String {
    if db.get_database_backend() == DatabaseBackend::Postgres {
        return format!("SELECT t::text AS text FROM \"{table}\" t");
    }
    let columns = format!("SELECT name AS text FROM pragma_table_info('{table}')");
    let columns = texts(db, [columns.as_str(), columns.as_str()]).await;
    let cells: Vec<String> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
    format!("SELECT {} AS text FROM \"{table}\"", cells.join("||' '||"))
}

async fn texts(db: &DatabaseConnection, sql: [&str; 2]) -> Vec<String> {
    let backend = db.get_database_backend();
    let sql = sql[usize::from(backend == DatabaseBackend::Postgres)];
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "text").unwrap()).collect()
}
