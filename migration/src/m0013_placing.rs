//! Step 13: the sum that unanswered offers may cost a branch, as one guarded column, and whether a
//! branch takes clients who are expected after closing.

use sea_orm_migration::prelude::*;

use crate::table::{Type, added};

/// Step 13.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut columns = added("order", &[("pending_commission", Type::BigInteger, Some("0"))]);
        columns.extend(added("wallet", &[("pending", Type::BigInteger, Some("0"))]));
        columns.extend(added("partner", &[("late_arrivals", Type::Boolean, Some("false"))]));
        for column in columns {
            manager.alter_table(column).await?;
        }
        for sql in SQL {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// The commission of offers that are unanswered now counts in full.
const SQL: &[&str] = &[
    r#"UPDATE "order" SET pending_commission = commission WHERE status = 'requested'"#,
    r#"UPDATE wallet SET pending = coalesce((SELECT sum(o.pending_commission) FROM "order" o
       WHERE o.partner_id = wallet.id AND o.status = 'requested'), 0)"#,
];
