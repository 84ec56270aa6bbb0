//! Balances and statements, as they are shown.

use chrono::{DateTime, Utc};
use entity::value::{Money, PartnerId, PostingId};
use entity::{posting, wallet};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Refusal, chart};
use crate::platform::Stop;
use crate::platform::page::{Page, PageQuery};

/// A balance: posted, held and what is left (BAL-1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    /// Sum of the postings.
    pub posted: Money,
    /// Sum of the open holds.
    pub held: Money,
    /// What a new hold may take, down to the floor.
    pub available: Money,
    /// How low a hold may take it (BAL-2).
    pub floor: Money,
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatementLine {
    /// The posting.
    pub id: PostingId,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub kind: String,
    /// What it changed: above zero is a gain of the partner.
    pub amount: Money,
    /// The order or act it comes from.
    pub subject: Uuid,
    /// For people.
    pub note: String,
}

/// A partner's balance.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn balance<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    floor: Money,
) -> Result<BalanceView, Stop> {
    let row = wallet::Entity::find_by_id(partner_id.0).all(db).await?.pop();
    let row = row.ok_or(Refusal::NoSuchPartner)?;
    Ok(BalanceView {
        posted: row.posted,
        held: row.held,
        available: Money(row.posted.0 - row.held.0),
        floor: row.floor.unwrap_or(floor),
    })
}

/// A partner's statement, newest first.
///
/// # Errors
/// When the database fails.
pub async fn statement<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    query: &PageQuery,
) -> Result<Page<StatementLine>, Stop> {
    let mut rows = posting::Entity::find()
        .filter(posting::Column::PartnerId.eq(partner_id))
        .order_by_desc(posting::Column::Id)
        .limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(posting::Column::Id.lt(PostingId(cursor)));
    }
    let own = chart::partner(partner_id);
    Ok(Page::cut(rows.all(db).await?, query, |row| row.id.0, |row| line(row, &own)))
}

/// A posting as it stands on the statement of `own`.
#[must_use]
pub fn line(row: posting::Model, own: &str) -> StatementLine {
    let amount = if row.credit == own { row.amount } else { Money(-row.amount.0) };
    StatementLine {
        id: row.id,
        at: row.at,
        kind: row.kind,
        amount,
        subject: row.subject,
        note: row.note,
    }
}
