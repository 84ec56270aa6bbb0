//! Step 10: the probe row a node writes to learn whether the database accepts writes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{Type, table};

/// Step 10.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let probe = table("storage_probe", &["id"])
            .col("id", Type::Integer)
            .col("n", Type::BigInteger)
            .col("room", Type::Text);
        manager.create_table(probe.done()).await?;
        let db = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            // The row must take space on disk; compressed it would take none.
            let external = "ALTER TABLE storage_probe ALTER COLUMN room SET STORAGE EXTERNAL";
            db.execute_unprepared(external).await?;
        }
        let row = "INSERT INTO storage_probe (id, n, room) VALUES (1, 0, '')";
        db.execute_unprepared(row).await?;
        Ok(())
    }
}
