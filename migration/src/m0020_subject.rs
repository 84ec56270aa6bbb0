//! Step 20: what an event is about is its subject, whatever kind of thing that is.

use sea_orm_migration::prelude::*;

/// Step 20.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "ALTER TABLE feed_event RENAME COLUMN order_id TO subject";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }
}
