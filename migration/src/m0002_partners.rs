//! Step 2: branches: their services, places and hours.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 2.
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
    "CREATE INDEX partner_place ON partner (lat, lon)",
    "CREATE INDEX service_partner ON service (partner_id)",
    "CREATE INDEX bay_partner ON bay (partner_id)",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![organisation(), partner(), opening(), service(), service_price(), bay()]
}

fn organisation() -> crate::table::Builder {
    table("organisation", &["id"])
        .col("id", Type::Uuid)
        .col("name", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
}

fn partner() -> crate::table::Builder {
    table("partner", &["id"])
        .col("id", Type::Uuid)
        .col("organisation_id", Type::Uuid)
        .col("name", Type::Text)
        .col("address", Type::Text)
        .col("lat", Type::Double)
        .col("lon", Type::Double)
        .col("zone", Type::Text)
        .col("state", Type::Text)
        .col("taking_orders", Type::Boolean)
        .col("arrival_buffer_min", Type::Integer)
        .col("arrival_code", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn opening() -> crate::table::Builder {
    table("opening", &["partner_id", "weekday", "opens_min"])
        .col("partner_id", Type::Uuid)
        .col("weekday", Type::SmallInteger)
        .col("opens_min", Type::SmallInteger)
        .col("closes_min", Type::SmallInteger)
}

fn service() -> crate::table::Builder {
    table("service", &["id"])
        .col("id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("code", Type::Text)
        .col("name", Type::Text)
        .col("active", Type::Boolean)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn service_price() -> crate::table::Builder {
    table("service_price", &["service_id", "class"])
        .col("service_id", Type::Uuid)
        .col("class", Type::Text)
        .col("price", Type::BigInteger)
        .col("minutes", Type::Integer)
}

fn bay() -> crate::table::Builder {
    table("bay", &["id"])
        .col("id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("name", Type::Text)
        .col("kind", Type::Text)
        .col("active", Type::Boolean)
        .col("created_at", Type::TimestampWithTimeZone)
}
