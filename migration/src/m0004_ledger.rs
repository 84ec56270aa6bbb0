//! Step 4: the ledger.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 4.
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
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX posting_natural ON posting (kind, subject, n)",
    "CREATE INDEX posting_debit ON posting (debit)",
    "CREATE INDEX posting_credit ON posting (credit)",
    "CREATE INDEX posting_partner ON posting (partner_id, id)",
    "CREATE UNIQUE INDEX hold_open ON hold (order_id) WHERE state = 'open'",
    "CREATE INDEX hold_wallet ON hold (wallet_id) WHERE state = 'open'",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![wallet(), posting(), hold()]
}

fn wallet() -> crate::table::Builder {
    table("wallet", &["id"])
        .col("id", Type::Uuid)
        .col("kind", Type::Text)
        .col("posted", Type::BigInteger)
        .col("held", Type::BigInteger)
        .maybe("floor", Type::BigInteger)
        .check("held >= 0")
}

fn posting() -> crate::table::Builder {
    table("posting", &["id"])
        .col("id", Type::Uuid)
        .col("debit", Type::Text)
        .col("credit", Type::Text)
        .col("amount", Type::BigInteger)
        .col("kind", Type::Text)
        .col("subject", Type::Uuid)
        .col("n", Type::Integer)
        .maybe("partner_id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .check("amount > 0")
        .check("debit <> credit")
}

fn hold() -> crate::table::Builder {
    table("hold", &["id"])
        .col("id", Type::Uuid)
        .col("order_id", Type::Uuid)
        .col("wallet_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("state", Type::Text)
        .col("at", Type::TimestampWithTimeZone)
        .maybe("ended_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
        .check("amount >= 0")
}
