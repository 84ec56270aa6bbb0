//! Step 14: the total a client last agreed to, which the final amount is measured against and which
//! bounds the commission from below (ORD-11); doubted positions, the time of a fix, and the
//! position with which an estimate was emitted (LIM-3).

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

/// Older orders: the client agreed to what was agreed, and a commission taken on less stays as it
/// is. The index finds cars that are still in a bay.
const FILLS: &[&str] = &[
    r#"UPDATE "order" SET client_agreed = agreed"#,
    "UPDATE \"order\" SET amount_confirmed = final_amount \
     WHERE status = 'completed' AND final_amount < agreed",
    r#"CREATE INDEX order_inside ON "order" (partner_id) WHERE status = 'active'"#,
];
