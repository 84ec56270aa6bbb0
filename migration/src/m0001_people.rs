//! Step 1: people, their sign-in, and their cars.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 1.
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
    "CREATE INDEX session_person ON session (person_id)",
    "CREATE INDEX otp_phone ON otp (phone_hash, created_at)",
    "CREATE INDEX otp_address ON otp (address, created_at)",
    "CREATE UNIQUE INDEX person_phone ON person (phone_hash)",
    "CREATE INDEX staff_person ON staff (person_id)",
    "CREATE UNIQUE INDEX car_plate ON car (client_id, plate_hash) WHERE removed_at IS NULL",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![person(), otp(), session(), staff(), support_agent(), car()]
}

fn person() -> crate::table::Builder {
    table("person", &["id"])
        .col("id", Type::Uuid)
        .col("phone", Type::Text)
        .col("phone_hash", Type::Text)
        .maybe("name", Type::Text)
        .col("lang", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn otp() -> crate::table::Builder {
    table("otp", &["id"])
        .col("id", Type::Uuid)
        .col("phone_hash", Type::Text)
        .col("address", Type::Text)
        .col("code_hash", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("expires_at", Type::TimestampWithTimeZone)
        .col("tries", Type::Integer)
        .maybe("used_at", Type::TimestampWithTimeZone)
}

fn session() -> crate::table::Builder {
    table("session", &["id"])
        .col("id", Type::Uuid)
        .col("person_id", Type::Uuid)
        .col("device", Type::Text)
        .col("refresh_hash", Type::Text)
        .maybe("previous_hash", Type::Text)
        .col("rotated_at", Type::TimestampWithTimeZone)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("expires_at", Type::TimestampWithTimeZone)
        .maybe("ended_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn staff() -> crate::table::Builder {
    table("staff", &["partner_id", "person_id"])
        .col("partner_id", Type::Uuid)
        .col("person_id", Type::Uuid)
        .col("role", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
}

fn support_agent() -> crate::table::Builder {
    table("support_agent", &["person_id"])
        .col("person_id", Type::Uuid)
        .col("role", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
}

fn car() -> crate::table::Builder {
    table("car", &["id"])
        .col("id", Type::Uuid)
        .col("client_id", Type::Uuid)
        .col("plate", Type::Text)
        .col("plate_hash", Type::Text)
        .col("make", Type::Text)
        .col("class", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .maybe("removed_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}
