//! Step 9: the reason a policy version was published, and an index of orders by the time they were
//! placed, for rehearsals over a past period.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added};

/// Step 9.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in added("policy_version", &[("reason", Type::Text, None)]) {
            manager.alter_table(column).await?;
        }
        let index = r#"CREATE INDEX order_placed ON "order" (placed_at, id)"#;
        manager.get_connection().execute_unprepared(index).await?;
        let index = "CREATE INDEX strike_at ON strike (at, id)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
