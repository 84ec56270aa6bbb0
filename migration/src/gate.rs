//! Guards in SQL: how a flush makes the database check a condition and undo everything if it fails.
//!
//! PostgreSQL has a function for it, `SQLite` a table whose trigger refuses every insert with a
//! false condition. Both raise `gate:<n>`, and the raised error rolls back the whole flush.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

const POSTGRES: &str = "
CREATE FUNCTION gate(holds boolean, n integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF holds IS NOT TRUE THEN
    RAISE EXCEPTION 'gate:%', n USING ERRCODE = 'YU001';
  END IF;
  RETURN true;
END $$";

const SQLITE_TABLE: &str = "CREATE TABLE gate (holds INTEGER, n INTEGER)";
const SQLITE_TRIGGER: &str = "
CREATE TRIGGER gate_keeper BEFORE INSERT ON gate BEGIN
  SELECT CASE WHEN NEW.holds = 1 THEN RAISE(IGNORE) ELSE RAISE(ABORT, 'gate:' || NEW.n) END;
END";

/// Creates the function or the table of the guards.
pub async fn create(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        db.execute_unprepared(POSTGRES).await?;
    } else {
        db.execute_unprepared(SQLITE_TABLE).await?;
        db.execute_unprepared(SQLITE_TRIGGER).await?;
    }
    Ok(())
}
