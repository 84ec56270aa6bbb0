//! Step 12: an outage is one row, claimed by the node that moves its deadlines.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added};

/// Step 12.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let instant = Type::TimestampWithTimeZone;
        let columns = [
            ("claimed_by", Type::Uuid, None),
            ("claimed_at", instant, None),
            ("recovered_at", instant, None),
        ];
        for column in added("outage", &columns) {
            manager.alter_table(column).await?;
        }
        // The deadlines of outages recorded earlier were moved at once.
        let done = "UPDATE outage SET recovered_at = up_at";
        manager.get_connection().execute_unprepared(done).await?;
        Ok(())
    }
}
