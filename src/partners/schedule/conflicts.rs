//! Live bookings that conflict with the branch's edited times and bays: they are listed, never
//! dropped (BK-13).
//!
//! They are read after the edit was committed. A booking is placed only at the branch's newest
//! version, so one that this read misses was checked against the edit itself.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::order::{Model, OrderKind, OrderStatus};
use entity::value::{BayId, Instant, OrderId, PartnerId, Span};
use entity::{bay, order, partner};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::Engine;
use crate::partners::Refusal;
use crate::partners::capacity::plan::{Plan, Plans};
use platform::db::readable;
use platform::{CommandError, ReadSnapshot};

/// The reason of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its visit lies in the time the branch is paused or closed for today.
    Closed,
    /// The branch is not open for all of its visit.
    OutsideHours,
    /// Its bay is not in use.
    BayInactive,
    /// Its bay does not suit its services.
    BayUnfit,
}

/// A live booking in conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The booking.
    pub order_id: OrderId,
    /// The order's short code, read aloud by people.
    pub code: String,
    /// Its status.
    pub status: OrderStatus,
    /// Its start.
    pub starts_at: DateTime<Utc>,
    /// Its end.
    pub ends_at: DateTime<Utc>,
    /// The bay allocated to it.
    pub bay_id: Option<BayId>,
    /// The reasons of the conflict.
    pub why: Vec<Why>,
}

/// The live bookings of a branch in conflict now for one of these reasons, by their start.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn conflicts(
    engine: &Engine,
    id: PartnerId,
    asked: &[Why],
) -> Result<Vec<Conflict>, CommandError> {
    let shared = engine.shared();
    let plans = Arc::clone(&engine.context().plans);
    let (now, asked) = (shared.clock.now(), asked.to_vec());
    let read = async move |moment: ReadSnapshot| at_moment(&moment, &plans, id, now, &asked).await;
    shared.db.snapshot(read).await
}

async fn at_moment<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    id: PartnerId,
    now: Instant,
    asked: &[Why],
) -> Result<Vec<Conflict>, CommandError> {
    let partner = partner::Entity::find_by_id(id).all(db).await?.pop();
    let partner = partner.ok_or(Refusal::NoSuchPartner)?;
    let plan = plans.of(db, &partner).await?;
    let bays = bay::Entity::find().filter(bay::Column::PartnerId.eq(id)).all(db).await?;
    let live = [
        OrderStatus::Requested,
        OrderStatus::Confirmed,
        OrderStatus::OnTheWay,
        OrderStatus::Active,
    ];
    // At most as many as the branch's bays can hold.
    let bookings = order::Entity::find()
        .filter(order::Column::PartnerId.eq(id))
        .filter(order::Column::Kind.eq(OrderKind::Booking))
        .filter(order::Column::Status.is_in(live))
        .filter(order::Column::EndsAt.gt(now))
        .order_by_asc(order::Column::StartsAt);
    let bookings = readable::partly(db, bookings).await?;
    let conflict = |booking: Model| {
        let visit = Span { from: booking.starts_at?, until: booking.ends_at? };
        let mut why = why(&plan, &bays, &booking, visit, now);
        why.retain(|why| asked.contains(why));
        (!why.is_empty()).then_some(Conflict {
            order_id: booking.id,
            code: booking.code,
            status: booking.status,
            starts_at: visit.from,
            ends_at: visit.until,
            bay_id: booking.bay_id,
            why,
        })
    };
    Ok(bookings.into_iter().filter_map(conflict).collect())
}

fn why(plan: &Plan, bays: &[bay::Model], booking: &Model, visit: Span, now: Instant) -> Vec<Why> {
    let closed = plan.closed_until.is_some_and(|until| visit.from < until && now < until);
    let open = plan.calendar.open(visit).contains(&visit);
    let bay = booking.bay_id.and_then(|id| bays.iter().find(|bay| bay.id == id));
    let kind = booking.snapshot.bay_kind.as_ref();
    let found = [
        (closed, Why::Closed),
        (!open, Why::OutsideHours),
        (bay.is_some_and(|bay| !bay.active), Why::BayInactive),
        (bay.zip(kind).is_some_and(|(bay, kind)| bay.kind != *kind), Why::BayUnfit),
    ];
    found.into_iter().filter_map(|(holds, why)| holds.then_some(why)).collect()
}
