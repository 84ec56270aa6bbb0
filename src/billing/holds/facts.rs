//! The inputs of the velocity rules: facts about the client and the branch of a bonus-paid order
//! (LIM-6).

use chrono::TimeDelta;
use entity::order::{self, OrderStatus};
use entity::payable::{self, PayableState};
use entity::value::{Instant, Money, PartnerId, PersonId};
use entity::{person, session};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
};

use super::velocity::Facts;
use crate::context::Tx;
use platform::CommandError;
use platform::db::readable;

const WEEK: TimeDelta = TimeDelta::days(7);

/// Loads the facts about a bonus-paid order, as of now.
///
/// # Errors
/// When the database fails.
pub async fn of(tx: &mut Tx, order: &order::Model) -> Result<Facts, CommandError> {
    let (client_id, partner_id, since) = (order.client_id, order.partner_id, tx.now() - WEEK);
    let (week_orders, week_total, week_bonus) = week(tx, partner_id, since).await?;
    let account = tx.find::<person::Entity>(client_id).await?;
    Ok(Facts {
        pair_orders: pair(tx, client_id, partner_id, since).await?,
        week_orders,
        week_total,
        week_bonus,
        first_order: first(tx, order).await?,
        account_since: Tx::must("person", client_id, account)?.created_at,
        device: device(tx, client_id).await?,
    })
}

async fn pair(
    tx: &Tx,
    client_id: PersonId,
    partner_id: PartnerId,
    since: Instant,
) -> Result<usize, CommandError> {
    let owed = payable::Entity::find()
        .select_only()
        .column(payable::Column::OrderId)
        .filter(payable::Column::PartnerId.eq(partner_id))
        .filter(payable::Column::CreatedAt.gt(since))
        .filter(payable::Column::State.ne(PayableState::Refused))
        .into_query();
    let orders = order::Entity::find()
        .filter(order::Column::Id.in_subquery(owed))
        .filter(order::Column::ClientId.eq(client_id));
    Ok(usize::try_from(orders.count(tx.db()).await?).unwrap_or(usize::MAX))
}

async fn week(
    tx: &Tx,
    partner_id: PartnerId,
    since: Instant,
) -> Result<(usize, Money, Money), CommandError> {
    let sum = |column: &str| Expr::cust(format!("CAST(coalesce(sum(\"{column}\"), 0) AS bigint)"));
    let rows: Vec<(i64, i64, i64)> = order::Entity::find()
        .select_only()
        .column_as(order::Column::Id.count(), "orders")
        .column_as(sum("final_amount"), "total")
        .column_as(sum("bonus"), "paid_with_bonus")
        .filter(order::Column::PartnerId.eq(partner_id))
        .filter(order::Column::Status.eq(OrderStatus::Completed))
        .filter(order::Column::CompletedAt.gt(since))
        .into_tuple()
        .all(tx.db())
        .await?;
    let (orders, total, bonus) = rows.into_iter().next().unwrap_or_default();
    Ok((usize::try_from(orders).unwrap_or(0), Money(total), Money(bonus)))
}

async fn first(tx: &Tx, order: &order::Model) -> Result<bool, CommandError> {
    let earlier = order::Entity::find()
        .filter(order::Column::ClientId.eq(order.client_id))
        .filter(order::Column::Status.eq(OrderStatus::Completed))
        .filter(order::Column::Id.ne(order.id))
        .filter(order::Column::CompletedAt.lte(order.completed_at))
        .limit(1);
    Ok(readable::partly(tx.db(), earlier).await?.is_empty())
}

async fn device(tx: &Tx, client_id: PersonId) -> Result<bool, CommandError> {
    let named = session::Entity::find()
        .filter(session::Column::PersonId.eq(client_id))
        .filter(session::Column::DeviceHash.is_not_null())
        .limit(1);
    Ok(!named.all(tx.db()).await?.is_empty())
}
