//! Step 5: product-independent tables: timers, feeds, idempotency keys, policy, heartbeats.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 5.
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
        crate::gate::create(manager).await?;
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX timer_due ON timer (due_at) WHERE parked_at IS NULL",
    "CREATE INDEX idempotency_at ON idempotency (at)",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![
        timer(),
        feed(),
        feed_event(),
        feed_cursor(),
        idempotency(),
        policy_version(),
        heartbeat(),
        outage(),
    ]
}

fn timer() -> crate::table::Builder {
    table("timer", &["kind", "subject"])
        .col("kind", Type::Text)
        .col("subject", Type::Uuid)
        .col("due_at", Type::TimestampWithTimeZone)
        .col("generation", Type::BigInteger)
        .col("attempts", Type::Integer)
        .maybe("parked_at", Type::TimestampWithTimeZone)
}

fn feed() -> crate::table::Builder {
    table("feed", &["audience"])
        .col("audience", Type::Text)
        .col("last_seq", Type::BigInteger)
        .check("last_seq > 0")
}

fn feed_event() -> crate::table::Builder {
    table("feed_event", &["audience", "seq"])
        .col("audience", Type::Text)
        .col("seq", Type::BigInteger)
        .col("id", Type::Uuid)
        .col("kind", Type::Text)
        .col("at", Type::TimestampWithTimeZone)
        .maybe("order_id", Type::Uuid)
        .maybe("session_id", Type::Uuid)
        .col("payload", Type::Text)
}

fn feed_cursor() -> crate::table::Builder {
    table("feed_cursor", &["session_id", "audience"])
        .col("session_id", Type::Uuid)
        .col("audience", Type::Text)
        .col("seq", Type::BigInteger)
        .col("at", Type::TimestampWithTimeZone)
}

fn idempotency() -> crate::table::Builder {
    table("idempotency", &["actor", "route", "key"])
        .col("actor", Type::Uuid)
        .col("route", Type::Text)
        .col("key", Type::Text)
        .col("body_hash", Type::Text)
        .col("answer", Type::Text)
        .col("at", Type::TimestampWithTimeZone)
}

fn policy_version() -> crate::table::Builder {
    table("policy_version", &["version"])
        .col("version", Type::Integer)
        .col("body", Type::Text)
        .col("effective_at", Type::TimestampWithTimeZone)
        .col("published_at", Type::TimestampWithTimeZone)
        .maybe("published_by", Type::Uuid)
}

fn heartbeat() -> crate::table::Builder {
    table("heartbeat", &["node"])
        .col("node", Type::Uuid)
        .col("started_at", Type::TimestampWithTimeZone)
        .col("beat_at", Type::TimestampWithTimeZone)
        .maybe("stopped_at", Type::TimestampWithTimeZone)
}

fn outage() -> crate::table::Builder {
    table("outage", &["id"])
        .col("id", Type::Uuid)
        .col("down_at", Type::TimestampWithTimeZone)
        .col("up_at", Type::TimestampWithTimeZone)
        .col("touched", Type::BigInteger)
}
