//! Step 6: bookings: special days, bay blocks, occupancy of bays and cars, the occupancy of an
//! order, sanctions, acts that can be undone.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added, table};

/// Step 6.
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
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX bay_block_partner ON bay_block (partner_id, ends_at)",
    r#"CREATE INDEX order_bay ON "order" (partner_id, taken_until) WHERE taken_until IS NOT NULL"#,
    r#"CREATE INDEX order_car ON "order" (car_id, id)"#,
    "CREATE UNIQUE INDEX calendar_feed_token ON calendar_feed (token)",
    "CREATE INDEX sanction_subject ON sanction (subject, until)",
    "CREATE UNIQUE INDEX sanction_standing ON sanction (subject, kind) WHERE ended_at IS NULL",
    "CREATE INDEX strike_order ON strike (order_id)",
    "CREATE INDEX waiver_penalty ON waiver (penalty_id)",
    "CREATE INDEX penalty_partner ON penalty (partner_id, id)",
];

fn columns() -> Vec<TableAlterStatement> {
    let order = [
        ("starts_at", Type::TimestampWithTimeZone, None),
        ("ends_at", Type::TimestampWithTimeZone, None),
        ("bay_id", Type::Uuid, None),
        ("taken_from", Type::TimestampWithTimeZone, None),
        ("taken_until", Type::TimestampWithTimeZone, None),
        ("overbooked", Type::Boolean, Some("false")),
        ("scheduled_at", Type::TimestampWithTimeZone, None),
        ("depart_from", Type::TimestampWithTimeZone, None),
        ("depart_deadline", Type::TimestampWithTimeZone, None),
        ("reschedules", Type::SmallInteger, Some("0")),
        ("moved_late", Type::Boolean, Some("false")),
        ("proposal", Type::JsonBinary, None),
        ("class_corrected", Type::Boolean, Some("false")),
        ("amount_contested_at", Type::TimestampWithTimeZone, None),
    ];
    let partner = [
        ("closed_until", Type::TimestampWithTimeZone, None),
        ("grid_min", Type::SmallInteger, None),
        ("free_cancel_min", Type::Integer, None),
        ("auto_confirm", Type::JsonBinary, None),
        ("auto_add_on", Type::Boolean, Some("false")),
    ];
    let service = [("bay_kind", Type::Text, None), ("buffer_min", Type::Integer, None)];
    let mark = [("voided_at", Type::TimestampWithTimeZone, None)];
    let penalty = [
        ("payments", Type::Integer, Some("0")),
        ("disputed_at", Type::TimestampWithTimeZone, None),
        ("dispute_reason", Type::Text, None),
        ("settled_at", Type::TimestampWithTimeZone, None),
    ];
    [
        added("order", &order),
        added("partner", &partner),
        added("service", &service),
        added("strike", &mark),
        added("penalty", &penalty),
    ]
    .concat()
}

fn tables() -> Vec<crate::table::Builder> {
    vec![special_day(), bay_block(), tick(), calendar_feed(), sanction(), waiver()]
}

fn special_day() -> crate::table::Builder {
    table("special_day", &["partner_id", "date"])
        .col("partner_id", Type::Uuid)
        .col("date", Type::Text)
        .col("spans", Type::JsonBinary)
        .col("note", Type::Text)
}

fn bay_block() -> crate::table::Builder {
    table("bay_block", &["id"])
        .col("id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("bay_id", Type::Uuid)
        .col("starts_at", Type::TimestampWithTimeZone)
        .col("ends_at", Type::TimestampWithTimeZone)
        .col("note", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .maybe("removed_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
}

fn tick() -> crate::table::Builder {
    table("occupancy", &["resource", "n"])
        .col("resource", Type::Uuid)
        .col("n", Type::BigInteger)
        .col("holder", Type::Uuid)
}

fn calendar_feed() -> crate::table::Builder {
    table("calendar_feed", &["partner_id"])
        .col("partner_id", Type::Uuid)
        .col("token", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
}

fn sanction() -> crate::table::Builder {
    table("sanction", &["id"])
        .col("id", Type::Uuid)
        .col("subject", Type::Uuid)
        .col("kind", Type::Text)
        .col("began_at", Type::TimestampWithTimeZone)
        .col("until", Type::TimestampWithTimeZone)
        .maybe("ended_at", Type::TimestampWithTimeZone)
        .col("reason", Type::Text)
        .col("cause", Type::JsonBinary)
        .col("address_lifted", Type::Boolean)
        .maybe("by_person", Type::Uuid)
        .col("version", Type::BigInteger)
}

fn waiver() -> crate::table::Builder {
    table("waiver", &["id"])
        .col("id", Type::Uuid)
        .col("penalty_id", Type::Uuid)
        .col("by_person", Type::Uuid)
        .col("reason", Type::Text)
        .col("before", Type::JsonBinary)
        .col("after", Type::JsonBinary)
        .col("at", Type::TimestampWithTimeZone)
        .maybe("undone_at", Type::TimestampWithTimeZone)
        .maybe("undone_by", Type::Uuid)
        .maybe("undone_reason", Type::Text)
        .col("version", Type::BigInteger)
}
