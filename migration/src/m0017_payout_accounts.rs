//! Step 17: waiting periods of payout accounts, held payables, chargebacks, stray payments, former
//! staff, campaign codes by device and by attempt.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added, table};

/// Step 17.
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
    "CREATE UNIQUE INDEX code_try_person ON code_try (person_id, person_n)",
    "CREATE UNIQUE INDEX code_try_address ON code_try (address, address_n)",
    "CREATE INDEX code_try_at ON code_try (at)",
    "CREATE UNIQUE INDEX stray_payment_name ON stray_payment (driver, name)",
    // Earlier payments are reconciled with their provider from now on, too.
    "INSERT INTO timer (kind, subject, due_at, generation, attempts) \
     SELECT 'payment.reconcile', id, paid_at, 0, 0 FROM payment \
     WHERE driver <> 'manual' AND state = 'paid'",
];

fn columns() -> Vec<TableAlterStatement> {
    let terms = [
        ("account_hash", Type::Text, None),
        ("account_changed_at", Type::TimestampWithTimeZone, None),
        ("account_changed_by", Type::Uuid, None),
    ];
    let payable =
        [("held_until", Type::TimestampWithTimeZone, None), ("held_by", Type::Text, Some("''"))];
    [
        added("payout_terms", &terms),
        added("payable", &payable),
        added("payment", &[("charged_back", Type::BigInteger, Some("0"))]),
        added("wallet", &[("locked", Type::Boolean, Some("false"))]),
    ]
    .concat()
}

fn tables() -> Vec<crate::table::Builder> {
    vec![staff_past(), campaign_claim(), code_try(), stray_payment()]
}

fn staff_past() -> crate::table::Builder {
    table("staff_past", &["partner_id", "person_id"])
        .col("partner_id", Type::Uuid)
        .col("person_id", Type::Uuid)
        .col("left_at", Type::TimestampWithTimeZone)
}

fn campaign_claim() -> crate::table::Builder {
    table("campaign_claim", &["campaign_id", "device_hash"])
        .col("campaign_id", Type::Uuid)
        .col("device_hash", Type::Text)
        .col("person_id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
}

fn code_try() -> crate::table::Builder {
    table("code_try", &["id"])
        .col("id", Type::Uuid)
        .col("person_id", Type::Uuid)
        .col("person_n", Type::BigInteger)
        .maybe("address", Type::Text)
        .maybe("address_n", Type::BigInteger)
        .col("wrong", Type::Boolean)
        .col("at", Type::TimestampWithTimeZone)
}

fn stray_payment() -> crate::table::Builder {
    table("stray_payment", &["id"])
        .col("id", Type::Uuid)
        .col("driver", Type::Text)
        .col("name", Type::Text)
        .maybe("payment_id", Type::Uuid)
        .maybe("reference", Type::Text)
        .maybe("amount", Type::BigInteger)
        .col("status", Type::Text)
        .col("found_at", Type::TimestampWithTimeZone)
        .col("looked_at", Type::TimestampWithTimeZone)
        .maybe("closed_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("version", Type::BigInteger)
}
