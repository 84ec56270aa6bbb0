//! What stands in the database, counted over a connection that only reads: orders, money, timers.

use entity::hold::HoldState;
use entity::order::{Reason, Status};
use entity::value::Money;
use entity::{hold, order, posting, timer};
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QuerySelect as _,
};

use crate::ledger::chart;

/// The counts of one moment.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// How many orders stand where; the cancelled ones by their reason.
    pub orders: Vec<(Status, Option<Reason>, i64)>,
    /// Of those on the way, how many have arrived.
    pub arrived: u64,
    /// Held for open orders.
    pub held: Money,
    /// Commission captured from ended orders.
    pub captured: Money,
    /// What support recorded as received from partners.
    pub received: Money,
    /// Timers that wait.
    pub timers: u64,
}

impl Books {
    /// Counts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(db: &DatabaseConnection) -> Result<Self, DbErr> {
        let orders = order::Entity::find()
            .select_only()
            .column(order::Column::Status)
            .column(order::Column::Reason)
            .column_as(order::Column::Id.count(), "n")
            .group_by(order::Column::Status)
            .group_by(order::Column::Reason)
            .into_tuple()
            .all(db)
            .await?;
        let arrived = order::Entity::find()
            .filter(order::Column::Status.eq(Status::OnTheWay))
            .filter(order::Column::ArrivedAt.is_not_null())
            .count(db)
            .await?;
        let held: Vec<Option<i64>> = hold::Entity::find()
            .select_only()
            .column_as(hold::Column::Amount.sum(), "held")
            .filter(hold::Column::State.eq(HoldState::Open))
            .into_tuple()
            .all(db)
            .await?;
        let gained = posted(db, posting::Column::Credit, chart::COMMISSION).await?;
        let given_back = posted(db, posting::Column::Debit, chart::COMMISSION).await?;
        let received = posted(db, posting::Column::Debit, chart::RECEIVED).await?;
        let timers = timer::Entity::find().count(db).await?;
        Ok(Self {
            orders,
            arrived,
            held: Money(held.into_iter().flatten().sum()),
            captured: Money(gained - given_back),
            received: Money(received),
            timers,
        })
    }

    /// How many orders have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> i64 {
        self.orders.iter().filter(|(of, ..)| *of == status).map(|(.., n)| n).sum()
    }

    /// How many orders are open.
    #[must_use]
    pub fn open(&self) -> i64 {
        let open = [Status::Requested, Status::Confirmed, Status::OnTheWay, Status::Active];
        open.into_iter().map(|status| self.count(status)).sum()
    }

    /// Why orders ended without being served, the commonest reason first.
    #[must_use]
    pub fn reasons(&self) -> Vec<(Reason, i64)> {
        let named = |(_, reason, n): &(Status, Option<Reason>, i64)| Some(((*reason)?, *n));
        let mut reasons: Vec<(Reason, i64)> = self.orders.iter().filter_map(named).collect();
        reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        reasons
    }
}

async fn posted(
    db: &DatabaseConnection,
    side: posting::Column,
    account: &str,
) -> Result<i64, DbErr> {
    let sum: Vec<Option<i64>> = posting::Entity::find()
        .select_only()
        .column_as(posting::Column::Amount.sum(), "sum")
        .filter(side.eq(account))
        .into_tuple()
        .all(db)
        .await?;
    Ok(sum.into_iter().flatten().sum())
}
