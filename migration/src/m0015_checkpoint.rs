//! Step 15: the checkpoint of the ledger, and the state of its proof (BAL-6).
//!
//! Triggers keep the checkpoint complete, whoever writes a posting: a new posting is *pending* in
//! the transaction that inserts it, and deleting its pending row adds it to the account sums in the
//! same statement. So in every snapshot the account sums and the pending postings together are all
//! postings, in whatever order concurrent transactions become visible.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{Type, table};

/// Step 15.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table.done()).await?;
        }
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let triggers = if postgres { POSTGRES } else { SQLITE };
        for sql in SQL.iter().chain(triggers) {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const SQL: &[&str] = &[
    // The same uniqueness; with the subject first the index also finds the postings about a row.
    "DROP INDEX posting_natural",
    "CREATE UNIQUE INDEX posting_natural ON posting (subject, kind, n)",
    // For the postings of a time span, and for those since a checkpoint, without reading older
    // ones.
    "CREATE INDEX posting_partner_at ON posting (partner_id, at) WHERE partner_id IS NOT NULL",
    "CREATE INDEX checkpoint_account_open ON checkpoint_account (account) WHERE amount <> 0",
    "CREATE INDEX payable_open ON payable (partner_id) WHERE state IN ('owed', 'suspended')",
    r#"CREATE INDEX order_completed ON "order" (completed_at) WHERE completed_at IS NOT NULL"#,
    "INSERT INTO proof_state (id, lease_until_us, whole_ok, step_ok, unprovable, findings) \
     VALUES (1, 0, true, true, false, '[]')",
    // The first proof adds all existing postings to the sums.
    "INSERT INTO checkpoint_pending (posting_id) SELECT id FROM posting",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION posting_pending() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       INSERT INTO checkpoint_pending (posting_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
       RETURN NULL;
     END $$",
    "CREATE TRIGGER posting_pending AFTER INSERT ON posting
     FOR EACH ROW EXECUTE FUNCTION posting_pending()",
    "CREATE FUNCTION checkpoint_fold() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       INSERT INTO checkpoint_account (account, amount)
       SELECT moved.account, sum(moved.amount)::bigint FROM (
         SELECT p.credit AS account, p.amount FROM posting p JOIN folded f ON f.posting_id = p.id
         UNION ALL
         SELECT p.debit, -p.amount FROM posting p JOIN folded f ON f.posting_id = p.id
       ) moved GROUP BY moved.account ORDER BY moved.account
       ON CONFLICT (account) DO UPDATE SET amount = checkpoint_account.amount + excluded.amount;
       RETURN NULL;
     END $$",
    "CREATE TRIGGER checkpoint_fold AFTER DELETE ON checkpoint_pending
     REFERENCING OLD TABLE AS folded FOR EACH STATEMENT EXECUTE FUNCTION checkpoint_fold()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER posting_pending AFTER INSERT ON posting BEGIN
       INSERT INTO checkpoint_pending (posting_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
     END",
    "CREATE TRIGGER checkpoint_fold AFTER DELETE ON checkpoint_pending BEGIN
       INSERT INTO checkpoint_account (account, amount)
         SELECT credit, amount FROM posting WHERE id = OLD.posting_id
         ON CONFLICT (account) DO UPDATE SET amount = amount + excluded.amount;
       INSERT INTO checkpoint_account (account, amount)
         SELECT debit, -amount FROM posting WHERE id = OLD.posting_id
         ON CONFLICT (account) DO UPDATE SET amount = amount + excluded.amount;
     END",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![account(), pending(), state()]
}

fn account() -> crate::table::Builder {
    table("checkpoint_account", &["account"])
        .col("account", Type::Text)
        .col("amount", Type::BigInteger)
}

fn pending() -> crate::table::Builder {
    table("checkpoint_pending", &["posting_id"]).col("posting_id", Type::Uuid)
}

fn state() -> crate::table::Builder {
    table("proof_state", &["id"])
        .col("id", Type::SmallInteger)
        .maybe("holder", Type::Uuid)
        .col("lease_until_us", Type::BigInteger)
        .maybe("whole_at", Type::TimestampWithTimeZone)
        .col("whole_ok", Type::Boolean)
        .maybe("step_at", Type::TimestampWithTimeZone)
        .col("step_ok", Type::Boolean)
        .maybe("held_at", Type::TimestampWithTimeZone)
        .col("unprovable", Type::Boolean)
        .col("findings", Type::Text)
        .check("id = 1")
}
