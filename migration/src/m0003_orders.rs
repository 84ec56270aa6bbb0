//! Step 3: orders and the tables written because of an order.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 3.
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
    r#"CREATE UNIQUE INDEX order_open_quick_car ON "order" (car_id) WHERE kind = 'quick' AND status IN ('requested', 'confirmed', 'on_the_way', 'active')"#,
    r#"CREATE INDEX order_client ON "order" (client_id, id)"#,
    r#"CREATE INDEX order_partner ON "order" (partner_id, id)"#,
    r#"CREATE INDEX order_offers ON "order" (partner_id) WHERE status = 'requested'"#,
    "CREATE INDEX order_position_order ON order_position (order_id, at)",
    "CREATE UNIQUE INDEX penalty_order ON penalty (order_id)",
    "CREATE INDEX penalty_client ON penalty (client_id, state)",
    "CREATE INDEX strike_subject ON strike (subject, at)",
];

fn tables() -> Vec<crate::table::Builder> {
    vec![order(), order_step(), order_position(), delivery(), penalty(), mark()]
}

fn order() -> crate::table::Builder {
    table("order", &["id"])
        .col("id", Type::Uuid)
        .col("code", Type::Text)
        .col("kind", Type::Text)
        .col("status", Type::Text)
        .maybe("reason", Type::Text)
        .col("version", Type::BigInteger)
        .col("client_id", Type::Uuid)
        .maybe("client_name", Type::Text)
        .col("partner_id", Type::Uuid)
        .col("car_id", Type::Uuid)
        .col("car_class", Type::Text)
        .col("plate", Type::Text)
        .col("snapshot", Type::JsonBinary)
        .col("agreed", Type::BigInteger)
        .maybe("final_amount", Type::BigInteger)
        .col("commission", Type::BigInteger)
        .col("policy_version", Type::Integer)
        .col("placed_at", Type::TimestampWithTimeZone)
        .maybe("offer_deadline", Type::TimestampWithTimeZone)
        .maybe("accepted_at", Type::TimestampWithTimeZone)
        .maybe("arrival_deadline", Type::TimestampWithTimeZone)
        .maybe("overdue_at", Type::TimestampWithTimeZone)
        .maybe("decision_deadline", Type::TimestampWithTimeZone)
        .col("extensions", Type::SmallInteger)
        .maybe("departed_at", Type::TimestampWithTimeZone)
        .maybe("arrived_at", Type::TimestampWithTimeZone)
        .maybe("arrival_by", Type::Text)
        .maybe("admit_alert_at", Type::TimestampWithTimeZone)
        .maybe("alerted_at", Type::TimestampWithTimeZone)
        .maybe("admit_deadline", Type::TimestampWithTimeZone)
        .maybe("frozen_until", Type::TimestampWithTimeZone)
        .maybe("eta_at", Type::TimestampWithTimeZone)
        .maybe("admitted_at", Type::TimestampWithTimeZone)
        .maybe("admitted_from", Type::Text)
        .maybe("planned_end", Type::TimestampWithTimeZone)
        .maybe("completed_at", Type::TimestampWithTimeZone)
        .maybe("cancelled_at", Type::TimestampWithTimeZone)
        .maybe("penalty", Type::BigInteger)
        .col("flagged", Type::Boolean)
        .col("undelivered", Type::Boolean)
        .col("updated_at", Type::TimestampWithTimeZone)
}

fn order_step() -> crate::table::Builder {
    table("order_step", &["order_id", "n"])
        .col("order_id", Type::Uuid)
        .col("n", Type::BigInteger)
        .col("at", Type::TimestampWithTimeZone)
        .col("actor", Type::Text)
        .maybe("person_id", Type::Uuid)
        .maybe("session_id", Type::Uuid)
        .col("intent", Type::Text)
        .maybe("from_status", Type::Text)
        .col("to_status", Type::Text)
        .col("note", Type::JsonBinary)
}

fn order_position() -> crate::table::Builder {
    table("order_position", &["id"])
        .col("id", Type::Uuid)
        .col("order_id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
        .col("lat", Type::Double)
        .col("lon", Type::Double)
        .col("accuracy_m", Type::Integer)
        .col("distance_m", Type::Integer)
}

fn delivery() -> crate::table::Builder {
    table("delivery", &["order_id", "what"])
        .col("order_id", Type::Uuid)
        .col("what", Type::Text)
        .col("session_id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
}

fn penalty() -> crate::table::Builder {
    table("penalty", &["id"])
        .col("id", Type::Uuid)
        .col("order_id", Type::Uuid)
        .col("client_id", Type::Uuid)
        .col("partner_id", Type::Uuid)
        .col("amount", Type::BigInteger)
        .col("paid", Type::BigInteger)
        .col("state", Type::Text)
        .col("created_at", Type::TimestampWithTimeZone)
        .col("version", Type::BigInteger)
        .check("amount > 0")
        .check("paid >= 0")
}

fn mark() -> crate::table::Builder {
    table("strike", &["id"])
        .col("id", Type::Uuid)
        .col("subject", Type::Uuid)
        .col("kind", Type::Text)
        .col("order_id", Type::Uuid)
        .col("at", Type::TimestampWithTimeZone)
}
