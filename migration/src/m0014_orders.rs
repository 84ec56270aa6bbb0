//! Step 14: the total a client last agreed to, which measures the final amount and bounds the
//! commission from below (ORD-11); doubtful positions, the time of a fix, and which position told
//! an estimate (LIM-3).

use sea_orm_migration::prelude::*;

use crate::table::{Type, added};

/// Step 14.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let order = [
            ("client_agreed", Type::BigInteger, Some("0")),
            ("class_total", Type::BigInteger, None),
            ("amount_confirmed", Type::BigInteger, None),
            ("position_doubted_at", Type::TimestampWithTimeZone, None),
        ];
        let position = [
            ("fixed_at", Type::TimestampWithTimeZone, None),
            ("eta_at", Type::TimestampWithTimeZone, None),
        ];
        for column in [added("order", &order), added("order_position", &position)].concat() {
            manager.alter_table(column).await?;
        }
        for sql in FILLS {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// Orders of before: what was agreed is what the client agreed to, and a commission that was taken
/// on less stands as it was taken. The last one serves the look for cars still in a bay.
const FILLS: &[&str] = &[
    r#"UPDATE "order" SET client_agreed = agreed"#,
    "UPDATE \"order\" SET amount_confirmed = final_amount \
     WHERE status = 'completed' AND final_amount < agreed",
    r#"CREATE INDEX order_inside ON "order" (partner_id) WHERE status = 'active'"#,
];
