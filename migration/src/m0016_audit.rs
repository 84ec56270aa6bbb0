//! Step 16: the append-only audit log of what support does.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{Type, table};

/// Step 16.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(audit_act().done()).await?;
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let triggers = if postgres { POSTGRES } else { SQLITE };
        for sql in INDEXES.iter().chain(triggers) {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// Two acts of one actor, or about one subject, at the same instant take the same number: one
/// commits, the other runs again.
const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX audit_act_actor ON audit_act (actor, actor_n)",
    "CREATE UNIQUE INDEX audit_act_subject ON audit_act (subject_id, subject_n)",
    "CREATE INDEX audit_act_at ON audit_act (actor, at)",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_act_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_act is append-only';
END $$",
    "CREATE TRIGGER audit_act_append_only BEFORE UPDATE OR DELETE ON audit_act \
     FOR EACH ROW EXECUTE FUNCTION audit_act_append_only()",
    "CREATE TRIGGER audit_act_no_truncate BEFORE TRUNCATE ON audit_act \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_act_append_only()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_act_no_update BEFORE UPDATE ON audit_act BEGIN \
     SELECT RAISE(ABORT, 'audit_act is append-only'); END",
    "CREATE TRIGGER audit_act_no_delete BEFORE DELETE ON audit_act BEGIN \
     SELECT RAISE(ABORT, 'audit_act is append-only'); END",
];

fn audit_act() -> crate::table::Builder {
    table("audit_act", &["id"])
        .col("id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
        .col("actor_kind", Type::Text)
        .col("actor", Type::Uuid)
        .col("actor_n", Type::BigInteger)
        .maybe("role", Type::Text)
        .maybe("session_id", Type::Uuid)
        .maybe("address", Type::Text)
        .col("act", Type::Text)
        .col("subject_kind", Type::Text)
        .col("subject_id", Type::Uuid)
        .col("subject_n", Type::BigInteger)
        .col("amount", Type::BigInteger)
        .col("reason", Type::Text)
        .col("before", Type::JsonBinary)
        .col("after", Type::JsonBinary)
        .check("amount >= 0")
        .check("actor_n > 0 AND subject_n > 0")
}
