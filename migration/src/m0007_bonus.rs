//! Step 7: bonus: lots in queues, their allocations to orders, campaigns; flags of low and
//! restricted balances; the order and lot of a posting.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added, table};

/// Step 7.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            manager.alter_table(column).await?;
        }
        for table in tables() {
            manager.create_table(table.done()).await?;
        }
        for sql in SQL {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const SQL: &[&str] = &[
    "CREATE INDEX lot_live ON lot (owner, place) WHERE state IN ('queued', 'running')",
    "CREATE INDEX lot_owner ON lot (owner, id)",
    "CREATE INDEX lot_root ON lot (root)",
    // At most one gift per top-up, and one grant of a campaign per owner.
    "CREATE UNIQUE INDEX lot_once ON lot (source_id, owner, source) \
     WHERE source_id IS NOT NULL AND source <> 'returned'",
    "CREATE INDEX reservation_open ON reservation (client_id) WHERE state = 'open'",
    "CREATE UNIQUE INDEX campaign_code ON campaign (code) WHERE code IS NOT NULL",
    "CREATE INDEX posting_client ON posting (client_id, id) WHERE client_id IS NOT NULL",
    "CREATE INDEX posting_order ON posting (order_id) WHERE order_id IS NOT NULL",
    "CREATE INDEX posting_lot ON posting (lot_id) WHERE lot_id IS NOT NULL",
    "CREATE INDEX wallet_untold ON wallet (id) \
     WHERE restricted <> told_restricted OR low <> told_low",
    // Older postings belong to an order, too.
    "UPDATE posting SET order_id = subject WHERE kind IN ('commission', 'commission_amended')",
    "UPDATE posting SET order_id = (SELECT p.order_id FROM penalty p WHERE p.id = posting.subject) \
     WHERE kind LIKE 'penalty%'",
    "INSERT INTO bonus_account (id, kind, live, created_at, version) \
     SELECT id, 'partner', false, created_at, 1 FROM partner",
];

fn columns() -> Vec<TableAlterStatement> {
    let order =
        [("commission_bonus", Type::BigInteger, Some("0")), ("bonus", Type::BigInteger, Some("0"))];
    let hold = [("bonus", Type::BigInteger, Some("0")), ("allocations", Type::JsonBinary, None)];
    let posting = [
        ("client_id", Type::Uuid, None),
        ("order_id", Type::Uuid, None),
        ("lot_id", Type::Uuid, None),
    ];
    let wallet = [
        ("restricted", Type::Boolean, Some("false")),
        ("low", Type::Boolean, Some("false")),
        ("told_restricted", Type::Boolean, Some("false")),
        ("told_low", Type::Boolean, Some("false")),
    ];
    [
        added("order", &order),
        added("hold", &hold),
        added("posting", &posting),
        added("wallet", &wallet),
        added("session", &[("device_hash", Type::Text, None)]),
    ]
    .concat()
}

fn tables() -> Vec<crate::table::Builder> {
    vec![bonus_account(), lot(), reservation(), campaign()]
}

fn bonus_account() -> crate::table::Builder {
    table("bonus_account", &["id"])
        .col("id", Type::Uuid)
        .col("kind", Type::Text)
        .col("live", Type::Boolean)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn lot() -> crate::table::Builder {
    table("lot", &["id"])
        .col("id", Type::Uuid)
        .col("owner", Type::Uuid)
        .col("owner_kind", Type::Text)
        .col("root", Type::Uuid)
        .col("source", Type::Text)
        .maybe("source_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("free", Type::BigInteger)
        .col("pinned", Type::BigInteger)
        .col("state", Type::Text)
        .col("place", Type::BigInteger)
        .col("life_us", Type::BigInteger)
        .maybe("expires_at", Type::TimestampWithTimeZone)
        .maybe("started_at", Type::TimestampWithTimeZone)
        .maybe("warned_at", Type::TimestampWithTimeZone)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("version", Type::BigInteger)
        .check("amount > 0")
        .check("free >= 0")
        .check("pinned >= 0")
        .check("free + pinned <= amount")
}

fn reservation() -> crate::table::Builder {
    table("reservation", &["id"])
        .col("id", Type::Uuid)
        .col("client_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("allocations", Type::JsonBinary)
        .col("state", Type::Text)
        .col("at", Type::TimestampWithTimeZone)
        .maybe("ended_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
        .check("amount >= 0")
}

fn campaign() -> crate::table::Builder {
    table("campaign", &["id"])
        .col("id", Type::Uuid)
        .col("name", Type::Text)
        .col("audience", Type::Text)
        .col("amount", Type::BigInteger)
        .col("ttl_h", Type::BigInteger)
        .col("budget", Type::BigInteger)
        .col("granted", Type::BigInteger)
        .maybe("code", Type::Text)
        .col("starts_at", Type::TimestampWithTimeZone)
        .col("ends_at", Type::TimestampWithTimeZone)
        .col("by_person", Type::Uuid)
        .col("reason", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .check("granted >= 0")
        .check("granted <= budget")
}
