//! Migrations of the schema, one file per step; changes first expand, then contract.

mod gate;
mod m0001_people;
mod m0002_partners;
mod m0003_orders;
mod m0004_ledger;
mod m0005_platform;
mod m0006_bookings;
mod m0007_bonus;
mod m0008_payments;
mod m0009_policy;
mod m0010_storage;
mod m0011_epoch;
mod m0012_outage;
mod m0013_placing;
mod m0014_orders;
mod m0015_checkpoint;
mod m0016_audit;
mod m0017_payout_accounts;
mod m0018_people;
mod m0019_staff_invitation;
mod m0020_subject;
mod m0021_outbox;
mod table;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseConnection;

/// A table that builds had before its tables got their final names.
const OLDER_TABLE: &str = "purse";
const OLDER: &str = "this database was written by an older build, whose tables have other names, and \
                     cannot be converted: serve an empty database, or keep the older build for it";

/// Brings a database to the newest step.
///
/// # Errors
/// When a step fails, or an older build wrote the database.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    if SchemaManager::new(db).has_table(OLDER_TABLE).await? {
        return Err(DbErr::Custom(OLDER.to_owned()));
    }
    Migrator::up(db, None).await
}

/// All steps, in order.
struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_people::Migration),
            Box::new(m0002_partners::Migration),
            Box::new(m0003_orders::Migration),
            Box::new(m0004_ledger::Migration),
            Box::new(m0005_platform::Migration),
            Box::new(m0006_bookings::Migration),
            Box::new(m0007_bonus::Migration),
            Box::new(m0008_payments::Migration),
            Box::new(m0009_policy::Migration),
            Box::new(m0010_storage::Migration),
            Box::new(m0011_epoch::Migration),
            Box::new(m0012_outage::Migration),
            Box::new(m0013_placing::Migration),
            Box::new(m0014_orders::Migration),
            Box::new(m0015_checkpoint::Migration),
            Box::new(m0016_audit::Migration),
            Box::new(m0017_payout_accounts::Migration),
            Box::new(m0018_people::Migration),
            Box::new(m0019_staff_invitation::Migration),
            Box::new(m0020_subject::Migration),
            Box::new(m0021_outbox::Migration),
        ]
    }
}
