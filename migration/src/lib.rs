//! How the nouns came to be: one file a step; expand, then contract.

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
mod m0011_epoch;
mod table;

pub use sea_orm_migration::prelude::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All steps, in order.
pub struct Migrator;

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
            Box::new(m0011_epoch::Migration),
        ]
    }
}
