//! The night before a date: hours of the day before that run past midnight stay unchanged when the
//! date becomes a special day (BK-12). The answer lists them, and the visits in them.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use entity::order::{self, Model, OrderKind, OrderStatus};
use entity::partner;
use entity::value::{Instant, OrderId, PartnerId, Span};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::Calendar;
use crate::context::Engine;
use crate::partners::Refusal;
use crate::partners::capacity::plan::Plans;
use platform::{CommandError, ReadSnapshot};

/// A span of the day before that runs into the date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NightSpan {
    /// The first instant of the date, at the branch.
    pub from: DateTime<Utc>,
    /// When the branch closes.
    pub until: DateTime<Utc>,
    /// The live visits in it.
    pub visits: Vec<NightVisit>,
}

/// A visit in such a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NightVisit {
    /// The order.
    pub order_id: OrderId,
    /// The order's short code, read aloud by people.
    pub code: String,
    /// Quick, or a booking.
    pub kind: OrderKind,
    /// Its status.
    pub status: OrderStatus,
    /// When the visit begins: the start of a booking, the expected arrival of a quick order.
    pub starts_at: DateTime<Utc>,
}

/// The rest of the night before a date: the spans that are not over, and the live visits that begin
/// in them.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn before(
    engine: &Engine,
    id: PartnerId,
    date: NaiveDate,
) -> Result<Vec<NightSpan>, CommandError> {
    let shared = engine.shared();
    let plans = Arc::clone(&engine.context().plans);
    let now = shared.clock.now();
    let read = async move |db: ReadSnapshot| at_moment(&db, &plans, id, (date, now)).await;
    shared.db.snapshot(read).await
}

async fn at_moment<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    id: PartnerId,
    (date, now): (NaiveDate, Instant),
) -> Result<Vec<NightSpan>, CommandError> {
    let partner = partner::Entity::find_by_id(id).all(db).await?.pop();
    let plan = plans.of(db, &partner.ok_or(Refusal::NoSuchPartner)?).await?;
    let spans = remaining(&plan.calendar, date, now);
    let (Some(first), Some(last)) = (spans.first(), spans.iter().map(|s| s.until).max()) else {
        return Ok(Vec::new());
    };
    let live = [
        OrderStatus::Requested,
        OrderStatus::Confirmed,
        OrderStatus::OnTheWay,
        OrderStatus::Active,
    ];
    let within =
        |column: order::Column| Condition::all().add(column.gte(first.from)).add(column.lt(last));
    let quick = within(order::Column::EtaAt).add(order::Column::StartsAt.is_null());
    let visits = order::Entity::find()
        .filter(order::Column::PartnerId.eq(id))
        .filter(order::Column::Status.is_in(live))
        .filter(Condition::any().add(within(order::Column::StartsAt)).add(quick))
        .order_by_asc(order::Column::Id)
        .all(db)
        .await?;
    Ok(spans.iter().map(|span| night(*span, &visits)).collect())
}

/// The spans that open on the day before and run into the date, from its first instant on.
fn remaining(calendar: &Calendar, date: NaiveDate, now: Instant) -> Vec<Span> {
    let midnight = calendar.day(date).from;
    let Some(before) = date.pred_opt() else { return Vec::new() };
    let into = calendar.opens_on(before).filter(|s| s.until > midnight && s.until > now);
    let mut spans: Vec<Span> =
        into.map(|s| Span { from: s.from.max(midnight), until: s.until }).collect();
    spans.sort_unstable_by_key(|span| span.from);
    spans
}

fn night(span: Span, visits: &[Model]) -> NightSpan {
    let visit = |order: &Model| {
        let starts_at = order.starts_at.or(order.eta_at).filter(|at| span.holds(*at))?;
        let Model { id: order_id, kind, status, .. } = *order;
        Some(NightVisit { order_id, code: order.code.clone(), kind, status, starts_at })
    };
    let visits = visits.iter().filter_map(visit).collect();
    NightSpan { from: span.from, until: span.until, visits }
}
