//! Step 8: payments in and out: intents, provider callbacks, payables to partners, payouts.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 8.
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
        manager.get_connection().execute_unprepared(CREDITS).await?;
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX payment_provider_ref ON payment (driver, provider_ref)",
    "CREATE INDEX payment_partner ON payment (partner_id, purpose, id)",
    "CREATE INDEX payment_penalty ON payment (penalty_id) WHERE penalty_id IS NOT NULL",
    "CREATE INDEX inbound_at ON inbound (at)",
    "CREATE UNIQUE INDEX payable_order ON payable (order_id)",
    "CREATE INDEX payable_partner ON payable (partner_id, state)",
    "CREATE INDEX payable_payout ON payable (payout_id) WHERE payout_id IS NOT NULL",
    "CREATE INDEX payout_partner ON payout (partner_id, id)",
    "CREATE INDEX payout_terms_voen ON payout_terms (voen_hash)",
];

/// Records each credit made by support before payments existed as a payment recorded by support.
const CREDITS: &str = "INSERT INTO payment (id, purpose, partner_id, amount, driver, state, \
     to_return, returned, refunds, created_at, expires_at, paid_at, note, version) \
     SELECT subject, 'top_up', partner_id, amount, 'manual', 'paid', 0, 0, 0, at, at, at, note, 1 \
     FROM posting WHERE kind = 'credit' AND partner_id IS NOT NULL";

fn tables() -> Vec<crate::table::Builder> {
    vec![payment(), inbound(), payable(), payout(), payout_terms()]
}

fn payment() -> crate::table::Builder {
    table("payment", &["id"])
        .col("id", Type::Uuid)
        .col("purpose", Type::Text)
        .col("partner_id", Type::Uuid)
        .maybe("client_id", Type::Uuid)
        .maybe("penalty_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("driver", Type::Text)
        .col("state", Type::Text)
        .maybe("provider_ref", Type::Text)
        .maybe("redirect_url", Type::Text)
        .maybe("gift_lot_id", Type::Uuid)
        .col("to_return", Type::BigInteger)
        .col("returned", Type::BigInteger)
        .maybe("asked", Type::BigInteger)
        .maybe("busy_until", Type::TimestampWithTimeZone)
        .col("refunds", Type::Integer)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("expires_at", Type::TimestampWithTimeZone)
        .maybe("paid_at", Type::TimestampWithTimeZone)
        .maybe("refunded_at", Type::TimestampWithTimeZone)
        .maybe("last_look_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("version", Type::BigInteger)
        .check("amount > 0")
        .check("returned >= 0 AND returned <= to_return AND to_return <= amount")
        .check("asked IS NULL OR asked > 0")
        .check("(purpose = 'penalty') = (penalty_id IS NOT NULL)")
        .check("state IN ('created', 'failed', 'expired') OR paid_at IS NOT NULL")
}

fn inbound() -> crate::table::Builder {
    table("inbound", &["digest"])
        .col("digest", Type::Text)
        .col("driver", Type::Text)
        .maybe("payment_id", Type::Uuid)
        .col("outcome", Type::Text)
        .col("at", Type::TimestampWithTimeZone)
}

fn payable() -> crate::table::Builder {
    table("payable", &["id"])
        .col("id", Type::Uuid)
        .col("order_id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("state", Type::Text)
        .maybe("due_on", Type::Text)
        .maybe("payout_id", Type::Uuid)
        .col("created_at", Type::TimestampWithTimeZone)
        .maybe("settled_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("version", Type::BigInteger)
        .check("amount > 0")
        .check("state IN ('owed', 'suspended') OR settled_at IS NOT NULL")
}

fn payout() -> crate::table::Builder {
    table("payout", &["id"])
        .col("id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("state", Type::Text)
        .col("driver", Type::Text)
        .col("account", Type::Text)
        .maybe("provider_ref", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .maybe("sent_at", Type::TimestampWithTimeZone)
        .maybe("busy_until", Type::TimestampWithTimeZone)
        .maybe("paid_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("version", Type::BigInteger)
        .check("amount > 0")
        .check("(state = 'paid') = (paid_at IS NOT NULL)")
}

fn payout_terms() -> crate::table::Builder {
    table("payout_terms", &["id"])
        .col("id", Type::Uuid)
        .col("payout_to", Type::JsonBinary)
        .maybe("account", Type::Text)
        .maybe("account_hint", Type::Text)
        .maybe("voen", Type::Text)
        .maybe("voen_hash", Type::Text)
        .maybe("voen_verified_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}
