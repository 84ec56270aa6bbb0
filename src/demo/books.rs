//! The figures in the database, counted over a read-only connection: orders, money, timers.

use entity::hold::HoldState;
use entity::kinds::PostingKind;
use entity::order::{EndReason, OrderKind, OrderStatus};
use entity::value::{Instant, Money};
use entity::{hold, order, posting, timer};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use crate::ledger::chart;
use platform::db::pool::Pool;

/// The most upcoming bookings that are listed.
const NEXT_MAX: u64 = 3;

/// An upcoming booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// When it starts.
    pub starts_at: Instant,
    /// The branch.
    pub branch: String,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Orders by kind and status; the cancelled ones by reason.
    pub orders: Vec<(OrderKind, OrderStatus, Option<EndReason>, i64)>,
    /// Bookings that were rescheduled at least once.
    pub moved: u64,
    /// Bookings whose start is still to come.
    pub upcoming: u64,
    /// The next of them in time.
    pub next: Vec<Coming>,
    /// How many clients on the way have arrived.
    pub arrived: u64,
    /// Held for open orders.
    pub held: Money,
    /// Commission captured from ended orders.
    pub captured: Money,
    /// What support recorded as received from partners.
    pub received: Money,
    /// Topped up by card.
    pub topped_up: Money,
    /// Bonus granted, spent by clients on orders, and spent by partners on commissions.
    pub bonus: [Money; 3],
    /// Timers that are armed.
    pub timers: u64,
}

impl Books {
    /// Counts everything.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(db: &Pool, now: Instant) -> Result<Self, DbErr> {
        let orders = order::Entity::find()
            .select_only()
            .column(order::Column::Kind)
            .column(order::Column::Status)
            .column(order::Column::Reason)
            .column_as(order::Column::Id.count(), "n")
            .group_by(order::Column::Kind)
            .group_by(order::Column::Status)
            .group_by(order::Column::Reason)
            .into_tuple()
            .all(db)
            .await?;
        let arrived = order::Entity::find()
            .filter(order::Column::Status.eq(OrderStatus::OnTheWay))
            .filter(order::Column::ArrivedAt.is_not_null())
            .count(db)
            .await?;
        let moved = order::Entity::find().filter(order::Column::Reschedules.gt(0));
        let moved = moved.count(db).await?;
        let coming = order::Entity::find()
            .filter(order::Column::Status.is_in([OrderStatus::Confirmed, OrderStatus::OnTheWay]))
            .filter(order::Column::StartsAt.gt(now));
        let upcoming = coming.clone().count(db).await?;
        let next = coming.order_by_asc(order::Column::StartsAt).limit(NEXT_MAX).all(db).await?;
        let next = next.into_iter().filter_map(|order| {
            Some(Coming { starts_at: order.starts_at?, branch: order.snapshot.partner_name })
        });
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
        let topped_up = sum_of(db, &[PostingKind::TopUp]).await?;
        let bonus = [
            sum_of(db, &[PostingKind::BonusGranted, PostingKind::BonusFromOwed]).await?,
            sum_of(db, &[PostingKind::PaidWithBonus]).await?,
            sum_of(db, &[PostingKind::CommissionBonus]).await?,
        ];
        let timers = timer::Entity::find().count(db).await?;
        Ok(Self {
            orders,
            moved,
            upcoming,
            next: next.collect(),
            arrived,
            held: Money(held.into_iter().flatten().sum()),
            captured: Money(gained - given_back),
            received: Money(received),
            topped_up,
            bonus,
            timers,
        })
    }

    /// The number of orders with this status.
    #[must_use]
    pub fn count(&self, status: OrderStatus) -> i64 {
        self.orders.iter().filter(|(_, of, ..)| *of == status).map(|(.., n)| n).sum()
    }

    /// The number of bookings with this status.
    #[must_use]
    pub fn booked(&self, status: OrderStatus) -> i64 {
        let booked = |(kind, of, ..): &&(OrderKind, OrderStatus, Option<EndReason>, i64)| {
            *kind == OrderKind::Booking && *of == status
        };
        self.orders.iter().filter(booked).map(|(.., n)| n).sum()
    }

    /// The number of orders of a kind.
    #[must_use]
    pub fn all(&self, kind: OrderKind) -> i64 {
        self.orders.iter().filter(|(of, ..)| *of == kind).map(|(.., n)| n).sum()
    }

    /// The number of burned bookings.
    #[must_use]
    pub fn burned(&self) -> i64 {
        let burned = |(.., why, _): &&(OrderKind, OrderStatus, Option<EndReason>, i64)| {
            *why == Some(EndReason::Burned)
        };
        self.orders.iter().filter(burned).map(|(.., n)| n).sum()
    }

    /// The number of open orders.
    #[must_use]
    pub fn open(&self) -> i64 {
        let open = [
            OrderStatus::Requested,
            OrderStatus::Confirmed,
            OrderStatus::OnTheWay,
            OrderStatus::Active,
        ];
        open.into_iter().map(|status| self.count(status)).sum()
    }

    /// The reasons for which orders ended without being served, the most frequent first.
    #[must_use]
    pub fn reasons(&self) -> Vec<(EndReason, i64)> {
        let mut reasons: Vec<(EndReason, i64)> = Vec::new();
        for (.., reason, n) in &self.orders {
            let Some(reason) = reason else { continue };
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, sum)) => *sum += n,
                None => reasons.push((*reason, *n)),
            }
        }
        reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        reasons
    }
}

async fn posted(db: &Pool, side: posting::Column, account: &str) -> Result<i64, DbErr> {
    let sum: Vec<Option<i64>> = posting::Entity::find()
        .select_only()
        .column_as(posting::Column::Amount.sum(), "sum")
        .filter(side.eq(account))
        .into_tuple()
        .all(db)
        .await?;
    Ok(sum.into_iter().flatten().sum())
}

/// The sum of the postings of these kinds.
async fn sum_of(db: &Pool, kinds: &[PostingKind]) -> Result<Money, DbErr> {
    let sum: Vec<Option<i64>> = posting::Entity::find()
        .select_only()
        .column_as(posting::Column::Amount.sum(), "sum")
        .filter(posting::Column::Kind.is_in(kinds.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(Money(sum.into_iter().flatten().sum()))
}
