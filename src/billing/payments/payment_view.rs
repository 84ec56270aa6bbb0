//! The views of payments, and the events about them (BAL-5, PAN-5).

use chrono::{DateTime, Utc};
use entity::kinds::{EventKind, SupportQueue};
use entity::payment::{self, Driver, PaymentState, Purpose};
use entity::value::{EventId, Money, PartnerId, PaymentId, PenaltyId, PersonId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::payment::refund_until;
use crate::billing::Refusal;
use crate::context::Tx;
use platform::engine::audit::AuditedAct;
use platform::page::{Page, PageQuery};
use platform::{Audience, CommandError};

/// A payment as its payer sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// The payment.
    pub id: PaymentId,
    /// The purpose of the payment.
    pub purpose: Purpose,
    /// The penalty that is paid.
    pub penalty_id: Option<PenaltyId>,
    /// The amount.
    pub amount: Money,
    /// The payment provider.
    pub driver: Driver,
    /// The state of the payment.
    pub state: PaymentState,
    /// The address of the checkout page.
    pub redirect_url: Option<String>,
    /// The amount returned so far.
    pub returned: Money,
    /// The part of the returned amount that the provider charged back.
    pub charged_back: Money,
    /// When the payment was opened.
    pub created_at: DateTime<Utc>,
    /// When the payment expires.
    pub expires_at: DateTime<Utc>,
    /// When the money was received.
    pub paid_at: Option<DateTime<Utc>>,
    /// Until when a top-up can be refunded, if nothing was spent.
    pub refund_until: Option<DateTime<Utc>>,
    /// When everything that was to be returned had been returned.
    pub refunded_at: Option<DateTime<Utc>>,
    /// A note for people.
    pub note: String,
}

/// The view of a payment; `refund_h` is the policy's.
#[must_use]
pub fn view(row: &payment::Model, refund_h: i64) -> PaymentView {
    let refundable = row.purpose == Purpose::TopUp;
    PaymentView {
        id: row.id,
        purpose: row.purpose,
        penalty_id: row.penalty_id,
        amount: row.amount,
        driver: row.driver,
        state: row.state,
        redirect_url: row.redirect_url.clone(),
        returned: row.returned,
        charged_back: row.charged_back,
        created_at: row.created_at,
        expires_at: row.expires_at,
        paid_at: row.paid_at,
        refund_until: if refundable { refund_until(row, refund_h) } else { None },
        refunded_at: row.refunded_at,
        note: row.note.clone(),
    }
}

/// Loads a payment.
///
/// # Errors
/// `no_such_payment`, or a fault.
pub async fn load(tx: &mut Tx, id: PaymentId) -> Result<payment::Model, CommandError> {
    let row = tx.find::<payment::Entity>(id).await?;
    row.ok_or_else(|| Refusal::NoSuchPayment.into())
}

/// Reads a payment's current row outside any command.
///
/// # Errors
/// `no_such_payment`, or a fault.
pub async fn now<C: ConnectionTrait>(
    db: &C,
    id: PaymentId,
) -> Result<payment::Model, CommandError> {
    let row = payment::Entity::find_by_id(id).all(db).await?.pop();
    row.ok_or_else(|| Refusal::NoSuchPayment.into())
}

/// A page of a partner's top-ups, newest first.
///
/// # Errors
/// When the database fails.
pub async fn top_ups<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    refund_h: i64,
    query: &PageQuery,
) -> Result<Page<PaymentView>, CommandError> {
    let mut rows = payment::Entity::find()
        .filter(payment::Column::PartnerId.eq(partner_id))
        .filter(payment::Column::Purpose.eq(Purpose::TopUp))
        .order_by_desc(payment::Column::Id)
        .limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(payment::Column::Id.lt(PaymentId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row, refund_h)).await?)
}

/// One of a partner's top-ups.
///
/// # Errors
/// `no_such_payment`, or a fault.
pub async fn top_up<C: ConnectionTrait>(
    db: &C,
    partner_id: PartnerId,
    refund_h: i64,
    id: PaymentId,
) -> Result<PaymentView, CommandError> {
    let row = now(db, id).await?;
    let own = row.partner_id == partner_id && row.purpose == Purpose::TopUp;
    if own { Ok(view(&row, refund_h)) } else { Err(Refusal::NoSuchPayment.into()) }
}

/// A page of the payments that a client opened for a penalty, newest first (PEN-5).
///
/// # Errors
/// When the database fails.
pub async fn of_penalty<C: ConnectionTrait>(
    db: &C,
    client_id: PersonId,
    penalty_id: PenaltyId,
    query: &PageQuery,
) -> Result<Page<PaymentView>, CommandError> {
    let mut rows = payment::Entity::find()
        .filter(payment::Column::PenaltyId.eq(penalty_id))
        .filter(payment::Column::ClientId.eq(client_id))
        .order_by_desc(payment::Column::Id)
        .limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(payment::Column::Id.lt(PaymentId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row, 0)).await?)
}

/// One of the payments that a client opened for a penalty (PEN-5).
///
/// # Errors
/// `no_such_payment`, or a fault.
pub async fn for_penalty<C: ConnectionTrait>(
    db: &C,
    client_id: PersonId,
    penalty_id: PenaltyId,
    id: PaymentId,
) -> Result<PaymentView, CommandError> {
    let row = now(db, id).await?;
    let own = row.client_id == Some(client_id) && row.penalty_id == Some(penalty_id);
    if own { Ok(view(&row, 0)) } else { Err(Refusal::NoSuchPayment.into()) }
}

/// Emits the payment's new state to its payer.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub fn emit(tx: &mut Tx, row: &payment::Model, refund_h: i64) -> Result<(), CommandError> {
    let audience = match (row.purpose, row.client_id) {
        (Purpose::Penalty, Some(client_id)) => Audience::Client(client_id),
        (Purpose::TopUp | Purpose::Penalty, _) => Audience::Branch(row.partner_id),
    };
    let payload = json!({"payment": view(row, refund_h)});
    tx.emit(&audience, EventKind::PaymentChanged, None, EventId::new(), &payload)
}

/// Emits to the branch that a top-up changed its balance.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub fn balance(
    tx: &mut Tx,
    row: &payment::Model,
    kind: &str,
    amount: Money,
) -> Result<(), CommandError> {
    let payload = json!({"kind": kind, "amount": amount, "payment_id": row.id});
    let audience = Audience::Branch(row.partner_id);
    tx.emit(&audience, EventKind::BalanceChanged, None, EventId::new(), &payload)
}

/// The audit record of an act of support on a payment (SUP-2).
#[must_use]
pub fn act<'a>(
    kind: &'static str,
    (before, after): (&payment::Model, &payment::Model),
    amount: Money,
    reason: &'a str,
) -> AuditedAct<'a> {
    let (before, subject) = (json!(view(before, 0)), ("payment", after.id.0));
    AuditedAct { kind, subject, amount, reason, before, after: json!(view(after, 0)) }
}

/// Emits to support that a payment needs attention.
///
/// # Errors
/// A fault when the event cannot be serialised.
pub fn support(
    tx: &mut Tx,
    event: EventKind,
    row: &payment::Model,
    why: &str,
) -> Result<(), CommandError> {
    let payload = json!({
        "payment": view(row, 0), "partner_id": row.partner_id, "client_id": row.client_id,
        "provider_ref": row.provider_ref, "reason": why, "by_person": tx.by().person_id,
    });
    tx.emit(&Audience::Support(SupportQueue::Money), event, None, EventId::new(), &payload)
}
