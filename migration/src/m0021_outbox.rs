//! Step 21: the outbox with its deliveries, and the counts of events.

use sea_orm_migration::prelude::*;

use crate::table::{Builder, Type, table};

/// Step 21.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [outbox(), outbox_delivery(), event_count()] {
            manager.create_table(table.done()).await?;
        }
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX outbox_delivery_open ON outbox_delivery (consumer, next_at) \
     WHERE state IN ('queued', 'claimed')",
    "CREATE INDEX outbox_delivery_done ON outbox_delivery (next_at) WHERE state = 'done'",
    "CREATE INDEX outbox_delivery_parked ON outbox_delivery (consumer) WHERE state = 'parked'",
    "CREATE INDEX outbox_created ON outbox (created_at)",
];

fn outbox() -> Builder {
    table("outbox", &["id"])
        .col("id", Type::Uuid)
        .col("kind", Type::Text)
        .maybe("subject", Type::Uuid)
        .col("payload", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
}

fn outbox_delivery() -> Builder {
    table("outbox_delivery", &["message_id", "consumer"])
        .col("consumer", Type::Text)
        .col("message_id", Type::Uuid)
        .col("state", Type::Text)
        .maybe("claim", Type::Uuid)
        .col("attempts", Type::Integer)
        .col("next_at", Type::TimestampWithTimeZone)
        .maybe("last_error", Type::Text)
        .check("state IN ('queued', 'claimed', 'done', 'parked')")
}

fn event_count() -> Builder {
    table("event_count", &["day", "kind"])
        .col("day", Type::Text)
        .col("kind", Type::Text)
        .col("n", Type::BigInteger)
        .check("n > 0")
}
