//! The views of payables and payouts (BON-5, BON-6).

use chrono::{DateTime, Utc};
use chrono_tz::Asia::Baku;
use entity::payable::{self, PayableState};
use entity::payment::Driver;
use entity::payout::{self, PayoutState};
use entity::value::{Money, OrderId, PartnerId, PayableId, PayoutId, SealedColumn, SealedField};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::payout_terms::{self, TermsView};
use crate::billing::Refusal;
use platform::CommandError;
use platform::page::{Page, PageQuery};

/// A payable: what is owed to a partner for an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PayableView {
    /// The payable.
    pub id: PayableId,
    /// The order.
    pub order_id: OrderId,
    /// The partner.
    pub partner_id: PartnerId,
    /// The amount.
    pub amount: Money,
    /// The state of the payable.
    pub state: PayableState,
    /// The local date on which it is paid out; without one (settled to the balance at once, or
    /// suspended) the date in Baku on which it was settled, else created.
    #[schema(value_type = String, format = Date)]
    pub due_on: String,
    /// The payout that contains it.
    pub payout_id: Option<PayoutId>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its hold time ends.
    pub held_until: Option<DateTime<Utc>>,
    /// The rules that extend the hold, separated by commas: `pair_orders`, `week_share`,
    /// `new_account`, `no_device`, `self_dealing`.
    pub held_by: String,
    /// When it was settled or refused.
    pub settled_at: Option<DateTime<Utc>>,
    /// Support's reason.
    pub note: String,
}

/// The view of a payable.
#[must_use]
pub fn view(row: &payable::Model) -> PayableView {
    PayableView {
        id: row.id,
        order_id: row.order_id,
        partner_id: row.partner_id,
        amount: row.amount,
        state: row.state,
        due_on: row.due_on.clone().unwrap_or_else(|| at_once(row)),
        payout_id: row.payout_id,
        created_at: row.created_at,
        held_until: row.held_until,
        held_by: row.held_by.clone(),
        settled_at: row.settled_at,
        note: row.note.clone(),
    }
}

/// The date shown for a payable without a due date.
fn at_once(row: &payable::Model) -> String {
    let at = row.settled_at.unwrap_or(row.created_at);
    at.with_timezone(&Baku).date_naive().to_string()
}

/// A payout to a partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PayoutView {
    /// The payout.
    pub id: PayoutId,
    /// The partner.
    pub partner_id: PartnerId,
    /// The amount.
    pub amount: Money,
    /// The state of the payout.
    pub state: PayoutState,
    /// The payment provider.
    pub driver: Driver,
    /// The reference of the provider or of support.
    pub reference: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When the provider was first asked to pay.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it arrived.
    pub paid_at: Option<DateTime<Utc>>,
    /// A note for people.
    pub note: String,
}

/// The view of a payout.
#[must_use]
pub fn payout(row: &payout::Model) -> PayoutView {
    PayoutView {
        id: row.id,
        partner_id: row.partner_id,
        amount: row.amount,
        state: row.state,
        driver: row.driver,
        reference: row.provider_ref.clone(),
        created_at: row.created_at,
        sent_at: row.sent_at,
        paid_at: row.paid_at,
        note: row.note.clone(),
    }
}

/// A page of payables, newest first, optionally of one state.
///
/// # Errors
/// When the database fails.
pub async fn payables<C: ConnectionTrait>(
    db: &C,
    partner_id: Option<PartnerId>,
    state: Option<PayableState>,
    query: &PageQuery,
) -> Result<Page<PayableView>, CommandError> {
    let mut rows = payable::Entity::find().order_by_desc(payable::Column::Id).limit(query.reach());
    if let Some(partner_id) = partner_id {
        rows = rows.filter(payable::Column::PartnerId.eq(partner_id));
    }
    if let Some(state) = state {
        rows = rows.filter(payable::Column::State.eq(state));
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(payable::Column::Id.lt(PayableId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row)).await?)
}

/// A payout with its account and tax number, both sealed, for a transfer by hand.
///
/// # Errors
/// `no_such_payout`, or a fault.
pub async fn whereto<C: ConnectionTrait>(
    db: &C,
    id: PayoutId,
) -> Result<(PayoutView, SealedField, Option<SealedField>), CommandError> {
    let row = payout::Entity::find_by_id(id).all(db).await?.pop();
    let row = row.ok_or(Refusal::NoSuchPayout)?;
    let terms = entity::payout_terms::Entity::find_by_id(row.partner_id).all(db).await?.pop();
    let account = row.account.at(SealedColumn::PayoutAccount, row.partner_id);
    let voen = terms.and_then(|terms| terms.voen);
    let voen = voen.map(|voen| voen.at(SealedColumn::PayoutVoen, row.partner_id));
    Ok((payout(&row), account, voen))
}

/// A page of payouts, newest first: one partner's, or all of one state.
///
/// # Errors
/// When the database fails.
pub async fn payouts<C: ConnectionTrait>(
    db: &C,
    partner_id: Option<PartnerId>,
    state: Option<PayoutState>,
    query: &PageQuery,
) -> Result<Page<PayoutView>, CommandError> {
    let mut rows = payout::Entity::find().order_by_desc(payout::Column::Id).limit(query.reach());
    if let Some(partner_id) = partner_id {
        rows = rows.filter(payout::Column::PartnerId.eq(partner_id));
    }
    if let Some(state) = state {
        rows = rows.filter(payout::Column::State.eq(state));
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(payout::Column::Id.lt(PayoutId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| payout(&row)).await?)
}

/// A partner's terms.
///
/// # Errors
/// When the database fails.
pub async fn terms<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    rest_h: i64,
) -> Result<TermsView, CommandError> {
    let row = ::entity::payout_terms::Entity::find_by_id(partner_id).all(db).await?.pop();
    Ok(payout_terms::view(row.as_ref(), rest_h))
}
