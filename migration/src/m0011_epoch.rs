//! Step 11: the epochs of the feeds, which tell the numbers of a restored database apart.

use sea_orm_migration::prelude::*;

use crate::table::{Type, table};

/// Step 11.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let feed_epoch = table("feed_epoch", &["n"])
            .col("n", Type::Integer)
            .col("epoch", Type::Text)
            .col("place", Type::Text)
            .col("reason", Type::Text)
            .col("began_at", Type::TimestampWithTimeZone)
            .check("n > 0");
        manager.create_table(feed_epoch.done()).await
    }
}
