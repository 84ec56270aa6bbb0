//! Step 19: invitations to work at a branch.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 19.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let invitation = table("staff_invitation", &["id"])
            .col("id", Type::Uuid)
            .col("partner_id", Type::Uuid)
            .col("phone", Type::Text)
            .col("phone_hash", Type::Text)
            .col("role", Type::Text)
            .col("state", Type::Text)
            .maybe("by_person", Type::Uuid)
            .col("created_at", Type::TimestampWithTimeZone)
            .col("expires_at", Type::TimestampWithTimeZone)
            .maybe("answered_at", Type::TimestampWithTimeZone)
            .col("version", Type::BigInteger);
        manager.create_table(invitation.done()).await?;
        for sql in INDEXES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

const INDEXES: &[&str] = &[
    "CREATE INDEX staff_invitation_phone ON staff_invitation (phone_hash)",
    "CREATE UNIQUE INDEX staff_invitation_pending ON staff_invitation (partner_id, phone_hash) \
     WHERE state = 'pending'",
];
