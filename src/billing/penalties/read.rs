//! The reads of penalties: by id, in pages, and in full for support.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::penalty::{self, PenaltyState};
use entity::value::{Money, OrderId, PartnerId, PenaltyId, PersonId, WaiverId};
use entity::{order, posting, waiver};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::penalty::dispute_until;
use crate::billing::Refusal;
use crate::context::Tx;
use crate::ledger::posted::PostingView;
use crate::policy::{self, Policy, Registry};
use platform::CommandError;
use platform::page::{Page, PageQuery};

/// Maximum number of rows of one kind in support's full view.
const WHOLE_MAX: u64 = 1_000;

/// A penalty as its client and support see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PenaltyView {
    /// The penalty.
    pub id: PenaltyId,
    /// The order that caused it.
    pub order_id: OrderId,
    /// The client who owes it.
    pub client_id: PersonId,
    /// The partner whose time was lost.
    pub partner_id: PartnerId,
    /// The amount of the fee.
    pub amount: Money,
    /// The amount paid so far.
    pub paid: Money,
    /// The state of the penalty.
    pub state: PenaltyState,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Until when it may be disputed.
    pub dispute_until: DateTime<Utc>,
    /// When it was disputed.
    pub disputed_at: Option<DateTime<Utc>>,
    /// The client's reason.
    pub dispute_reason: Option<String>,
    /// When it was paid in full.
    pub settled_at: Option<DateTime<Utc>>,
}

/// What support undid of a penalty, and perhaps did again.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaiverView {
    /// The waiver.
    id: WaiverId,
    /// By whom.
    by_person: PersonId,
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
    /// What stood before.
    #[schema(value_type = Value)]
    before: Value,
    /// What stood afterwards.
    #[schema(value_type = Value)]
    after: Value,
    /// When the waiver itself was undone.
    undone_at: Option<DateTime<Utc>>,
    /// By whom.
    undone_by: Option<PersonId>,
    /// Why.
    undone_reason: Option<String>,
}

impl From<waiver::Model> for WaiverView {
    fn from(row: waiver::Model) -> Self {
        Self {
            id: row.id,
            by_person: row.by_person,
            reason: row.reason,
            at: row.at,
            before: row.before,
            after: row.after,
            undone_at: row.undone_at,
            undone_by: row.undone_by,
            undone_reason: row.undone_reason,
        }
    }
}

/// A penalty and everything that is recorded of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PenaltyWhole {
    /// The penalty.
    penalty: PenaltyView,
    /// How it was undone.
    waivers: Vec<WaiverView>,
    /// The money it moved.
    postings: Vec<PostingView>,
}

/// Which penalties to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PenaltyScope {
    /// One client's penalties.
    Client(PersonId),
    /// All penalties, optionally of one state.
    Support(Option<PenaltyState>),
}

/// The view of a penalty, under its order's policy.
#[must_use]
pub fn view(row: &penalty::Model, keys: &Policy) -> PenaltyView {
    PenaltyView {
        id: row.id,
        order_id: row.order_id,
        client_id: row.client_id,
        partner_id: row.partner_id,
        amount: row.amount,
        paid: row.paid,
        state: row.state,
        created_at: row.created_at,
        dispute_until: dispute_until(row, keys.penalty.dispute_days),
        disputed_at: row.disputed_at,
        dispute_reason: row.dispute_reason.clone(),
        settled_at: row.settled_at,
    }
}

/// Loads a penalty and the policy under which its order was placed, which sets its rate and days
/// (ORD-7).
///
/// # Errors
/// `no_such_penalty`, or a fault.
pub async fn load(
    tx: &mut Tx,
    id: PenaltyId,
) -> Result<(penalty::Model, Arc<Policy>), CommandError> {
    let row = tx.find::<penalty::Entity>(id).await?.ok_or(Refusal::NoSuchPenalty)?;
    let order = tx.find::<order::Entity>(row.order_id).await?;
    let order = Tx::must("order", row.order_id, order)?;
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    Ok((row, keys))
}

/// A page of penalties, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    book: &Registry,
    scope: PenaltyScope,
    query: &PageQuery,
) -> Result<Page<PenaltyView>, CommandError> {
    let mut rows = penalty::Entity::find().order_by_desc(penalty::Column::Id).limit(query.reach());
    rows = match scope {
        PenaltyScope::Client(id) => rows.filter(penalty::Column::ClientId.eq(id)),
        PenaltyScope::Support(Some(state)) => rows.filter(penalty::Column::State.eq(state)),
        PenaltyScope::Support(None) => rows,
    };
    if let Some(cursor) = query.cursor {
        rows = rows.filter(penalty::Column::Id.lt(PenaltyId(cursor)));
    }
    let page = Page::read(db, rows, query, |row| row.id.0, |row| row).await?;
    let items = shown(db, book, &page.items).await?;
    Ok(page.with(items))
}

/// One of a client's penalties.
///
/// # Errors
/// `no_such_penalty`, or a fault.
pub async fn own<C: ConnectionTrait>(
    db: &C,
    book: &Registry,
    client_id: PersonId,
    id: PenaltyId,
) -> Result<PenaltyView, CommandError> {
    let row = penalty::Entity::find_by_id(id).all(db).await?.pop();
    let row = row.filter(|row| row.client_id == client_id).ok_or(Refusal::NoSuchPenalty)?;
    let mut views = shown(db, book, &[row]).await?;
    views.pop().ok_or_else(|| Refusal::NoSuchPenalty.into())
}

async fn shown<C: ConnectionTrait>(
    db: &C,
    book: &Registry,
    rows: &[penalty::Model],
) -> Result<Vec<PenaltyView>, CommandError> {
    let versions: BTreeMap<OrderId, i32> = order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .column(order::Column::PolicyVersion)
        .filter(order::Column::Id.is_in(rows.iter().map(|row| row.order_id)))
        .into_tuple::<(OrderId, i32)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let one = |row: &penalty::Model| {
        let version = Tx::must("order", row.order_id, versions.get(&row.order_id))?;
        Ok(view(row, &*book.version(*version)?))
    };
    rows.iter().map(one).collect()
}

/// A penalty in full, as support sees it: with its waivers and its postings.
///
/// # Errors
/// `no_such_penalty`, or a fault.
pub async fn whole<C: ConnectionTrait>(
    db: &C,
    book: &Registry,
    id: PenaltyId,
) -> Result<PenaltyWhole, CommandError> {
    let row = penalty::Entity::find_by_id(id).all(db).await?.pop();
    let row = row.ok_or(Refusal::NoSuchPenalty)?;
    let shown = shown(db, book, std::slice::from_ref(&row)).await?;
    let waivers = waiver::Entity::find()
        .filter(waiver::Column::PenaltyId.eq(id))
        .order_by_asc(waiver::Column::Id)
        .limit(WHOLE_MAX)
        .all(db)
        .await?;
    let postings = posting::Entity::find()
        .filter(posting::Column::Subject.eq(id.0))
        .order_by_asc(posting::Column::Id)
        .limit(WHOLE_MAX)
        .all(db)
        .await?;
    Ok(PenaltyWhole {
        penalty: shown.into_iter().next().ok_or(Refusal::NoSuchPenalty)?,
        waivers: waivers.into_iter().map(WaiverView::from).collect(),
        postings: postings.into_iter().map(PostingView::from).collect(),
    })
}
