//! Orders as they are read: by whom, one, in pages.

use entity::kinds::SupportQueue;
use entity::order::{Model, OrderStatus};
use entity::value::{Actor, OrderId, PartnerId, PersonId, Span};
use entity::{order, order_step};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};

use super::Refusal;
use super::decision::Window;
use super::machine::{self, Intent};
use super::proposals::limits;
use super::view::{OrderView, Reader, Viewer};
use super::visit::late::contest_window;
use crate::context::Tx;
use crate::policy::Policy;
use platform::codes::General;
use platform::db::readable;
use platform::page::{Page, PageQuery};
use platform::scheduler::heartbeat;
use platform::{Audience, CommandError, Fault, Refused, failure};

/// Maximum open orders of one audience in a snapshot.
const OPEN_MAX: u64 = 1_000;
/// Steps since a version at most.
const STEPS_MAX: u64 = 1_000;

/// The scope of a caller: which orders it may see, and the role in which it changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderScope {
    /// The orders of the client.
    Client(PersonId),
    /// The orders of the branch.
    Branch(PartnerId),
    /// All orders.
    Support,
    /// All orders, for the scheduler.
    Clock,
}

impl OrderScope {
    /// The actor of this scope.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::Client(_) => Actor::Client,
            Self::Branch(_) => Actor::Staff,
            Self::Support => Actor::Support,
            Self::Clock => Actor::Clock,
        }
    }

    /// The reader of this scope.
    #[must_use]
    pub fn reader(self) -> Reader {
        Reader::of(self.actor())
    }

    fn sees(self, order: &Model) -> bool {
        match self {
            Self::Client(id) => order.client_id == id,
            Self::Branch(id) => order.partner_id == id,
            Self::Support | Self::Clock => true,
        }
    }

    fn filter(self, query: Select<order::Entity>) -> Select<order::Entity> {
        match self {
            Self::Client(id) => query.filter(order::Column::ClientId.eq(id)),
            Self::Branch(id) => query.filter(order::Column::PartnerId.eq(id)),
            Self::Support | Self::Clock => query,
        }
    }
}

/// Loads an order this scope may see.
///
/// # Errors
/// `no_such_order`, or a fault.
pub async fn load(tx: &mut Tx, scope: OrderScope, id: OrderId) -> Result<Model, CommandError> {
    let order = match tx.find_cached::<order::Entity>(id).await {
        Err(stop) if failure::unreadable(&stop) => {
            let order = in_part(tx, scope, id).await?;
            return Err(unreadable(tx, &order, scope));
        }
        found => found?,
    };
    order.filter(|order| scope.sees(order)).ok_or_else(|| Refusal::NoSuchOrder.into())
}

/// An order with undecodable columns, as far as it can be read.
async fn in_part(tx: &Tx, scope: OrderScope, id: OrderId) -> Result<Model, CommandError> {
    let order = readable::in_part::<_, order::Entity>(tx.db(), id.0).await?;
    order.filter(|order| scope.sees(order)).ok_or_else(|| Refusal::NoSuchOrder.into())
}

/// The refusal of such an order to people; for a timer it is a fault that no retry resolves.
fn unreadable(tx: &Tx, order: &Model, scope: OrderScope) -> CommandError {
    let what = order.unreadable.clone().unwrap_or_default();
    match scope {
        OrderScope::Clock => {
            Fault::Inconsistent { table: "order", id: order.id.to_string(), what }.into()
        }
        OrderScope::Client(_) | OrderScope::Branch(_) | OrderScope::Support => {
            refuse(tx, Refusal::Unreadable, order, scope)
        }
    }
}

/// Loads an order for a command: what the table refuses, or the limit of repeated acts, is refused
/// before anything else is read.
///
/// # Errors
/// The state machine's refusal with the present order, or a fault.
pub async fn ask(
    tx: &mut Tx,
    scope: OrderScope,
    id: OrderId,
    intent: Intent,
) -> Result<Model, CommandError> {
    // Support closes an order by its stored status, even if only part of it can be read.
    let order = match (scope, intent) {
        (OrderScope::Support, Intent::ForceCancel) => in_part(tx, scope, id).await?,
        _ => load(tx, scope, id).await?,
    };
    let asked = machine::next(&order, intent, scope.actor());
    asked.map_err(|refusal| refuse(tx, refusal, &order, scope))?;
    limits::paced(tx, &order, scope.actor(), intent).await?;
    Ok(order)
}

/// A refusal that carries the present order (ORD-3).
#[must_use]
pub fn refuse(
    tx: &Tx,
    refusal: impl Into<Refused>,
    order: &Model,
    scope: OrderScope,
) -> CommandError {
    match shown(tx, order, scope) {
        Ok(view) => refusal.into().with("order", view).into(),
        Err(fault) => fault,
    }
}

/// The order as this caller sees it, at the command's instant.
///
/// # Errors
/// A fault when no policy is in force.
pub fn shown(tx: &Tx, order: &Model, scope: OrderScope) -> Result<OrderView, CommandError> {
    Ok(Viewer::of(tx)?.view(order, scope.reader()))
}

/// The outages that may have extended a window: read only where it would be over.
///
/// # Errors
/// When the database fails.
pub async fn outages_since(tx: &Tx, window: Window) -> Result<Vec<Span>, CommandError> {
    match window.until.filter(|until| tx.now() > *until) {
        Some(until) => Ok(heartbeat::outages(tx.db(), until).await?),
        None => Ok(Vec::new()),
    }
}

/// The outages that may have extended the client's time to leave after a correction of the class.
///
/// # Errors
/// When the database fails.
pub async fn leaving_outages(
    tx: &Tx,
    order: &Model,
    policy: &Policy,
) -> Result<Vec<Span>, CommandError> {
    match order.class_total {
        Some(_) => outages_since(tx, contest_window(order, policy)).await,
        None => Ok(Vec::new()),
    }
}

/// Checks that the sender saw the newest version (ORD-3). Versions raised since only by moving
/// deadlines for an outage do not count (OUT-1).
///
/// # Errors
/// `stale_version` with the present order.
pub async fn fresh(
    tx: &Tx,
    order: &Model,
    seen: i64,
    scope: OrderScope,
) -> Result<(), CommandError> {
    if order.version == seen || (seen < order.version && only_moved(tx, order, seen).await?) {
        return Ok(());
    }
    Err(refuse(tx, General::StaleVersion, order, scope))
}

async fn only_moved(tx: &Tx, order: &Model, seen: i64) -> Result<bool, CommandError> {
    let since = order_step::Entity::find()
        .filter(order_step::Column::OrderId.eq(order.id))
        .filter(order_step::Column::N.gt(seen))
        .limit(STEPS_MAX);
    let steps = since.all(tx.db()).await?;
    Ok(!steps.is_empty() && steps.iter().all(|step| step.intent.is_kind(Intent::Shift)))
}

/// One order.
///
/// # Errors
/// `no_such_order`, or a fault.
pub async fn one<C: ConnectionTrait>(
    db: &C,
    viewer: &Viewer,
    scope: OrderScope,
    id: OrderId,
) -> Result<OrderView, CommandError> {
    let row = readable::in_part::<_, order::Entity>(db, id.0).await?;
    let row = row.filter(|order| scope.sees(order)).ok_or(Refusal::NoSuchOrder)?;
    Ok(viewer.view(&row, scope.reader()))
}

/// A page of orders, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    viewer: &Viewer,
    scope: OrderScope,
    open: bool,
    query: &PageQuery,
) -> Result<Page<OrderView>, CommandError> {
    let mut rows =
        scope.filter(order::Entity::find()).order_by_desc(order::Column::Id).limit(query.reach());
    if open {
        rows = rows.filter(open_status());
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(order::Column::Id.lt(OrderId(cursor)));
    }
    let rows = readable::partly(db, rows).await?;
    Ok(Page::cut(rows, query, |row| row.id.0, |row| viewer.view(&row, scope.reader())))
}

/// Open, or with an unknown status: such an order is shown as unreadable.
fn open_status() -> Condition {
    Condition::any()
        .add(order::Column::Status.is_in(OPEN))
        .add(order::Column::Status.is_not_in(OPEN.into_iter().chain(OVER)))
}

const OPEN: [OrderStatus; 4] =
    [OrderStatus::Requested, OrderStatus::Confirmed, OrderStatus::OnTheWay, OrderStatus::Active];
const OVER: [OrderStatus; 2] = [OrderStatus::Completed, OrderStatus::Cancelled];

/// The open orders of an audience, for its snapshot (NOT-6).
///
/// # Errors
/// When the database fails.
pub async fn open_orders<C: ConnectionTrait>(
    db: &C,
    viewer: &Viewer,
    audience: &Audience,
) -> Result<Vec<OrderView>, CommandError> {
    let scope = match audience {
        Audience::Client(id) => OrderScope::Client(*id),
        Audience::Branch(id) => OrderScope::Branch(*id),
        Audience::Support(SupportQueue::Orders) => OrderScope::Support,
        Audience::Support(SupportQueue::Money | SupportQueue::Sanctions | SupportQueue::Policy) => {
            return Ok(Vec::new());
        }
    };
    let mut query = scope
        .filter(order::Entity::find())
        .filter(open_status())
        .order_by_asc(order::Column::Id)
        .limit(OPEN_MAX);
    if let OrderScope::Support = scope {
        // Support's queue has only orders that need a decision.
        query = query.filter(
            Condition::any()
                .add(order::Column::FrozenUntil.is_not_null())
                .add(order::Column::AlertedAt.is_not_null()),
        );
    }
    let rows = readable::partly(db, query).await?;
    Ok(rows.iter().map(|row| viewer.view(row, scope.reader())).collect())
}
