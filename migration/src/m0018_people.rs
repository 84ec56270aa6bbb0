//! Step 18: the requester of a one-time code, the budgets of one-time codes, and the data
//! migrations that were done.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added, table};

/// Step 18.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [("requester", Type::Text, Some("''")), ("turn", Type::Integer, Some("0"))];
        for column in added("otp", &columns) {
            manager.alter_table(column).await?;
        }
        let budget = table("otp_budget", &["bucket", "began_at"])
            .col("bucket", Type::Text)
            .col("began_at", Type::TimestampWithTimeZone)
            .col("n", Type::BigInteger);
        manager.create_table(budget.done()).await?;
        let step = table("data_step", &["name"])
            .col("name", Type::Text)
            .col("done_at", Type::TimestampWithTimeZone);
        manager.create_table(step.done()).await?;
        Ok(())
    }
}
