//! Order requests, and the checks shared by preview and placing: the partner serves, the services
//! fit the car, the price is known, a booking has its slot (QO-1, BK-1, ORD-7).

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::CommandName;
use entity::order::{
    BayAllocation, Model, OrderKind, OrderStatus, OrderTerms, OrderedService, Proposed,
};
use entity::value::{CarId, Instant, Money, OrderId, PartnerId, PersonId, Point, ServiceId, Span};
use entity::{car, order, partner};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reach;
use crate::context::{Context, Tx};
use crate::orders::booking::slot;
use crate::orders::{Refusal, capacity, price};
use crate::partners;
use crate::partners::capacity::plan;
use crate::policy::{self, Policy, PolicyVersion};
use crate::search::geo;
use platform::db::readable;
use platform::{Command, CommandError};

/// An order request of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Quick, or a booking.
    pub kind: OrderKind,
    /// The branch.
    pub partner_id: PartnerId,
    /// The car.
    pub car_id: CarId,
    /// The services.
    #[schema(min_items = 1, max_items = 20)]
    pub service_ids: Vec<ServiceId>,
    /// The client's position.
    pub origin: Point,
    /// The total that was shown, qəpik; not needed for a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_total: Option<Money>,
    /// The start of a booking: one of the partner's slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// The part to be paid with bonus, qəpik (BON-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_with_bonus: Option<Money>,
}

/// The terms of cancelling, shown before placing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// The fee, basis points of the agreed estimate.
    pub fee_bp: i32,
    /// The maximum fee.
    pub fee_cap: Money,
    /// The end of free cancelling: `acceptance` of a quick order, `free_until_at` of a booking.
    pub free_until: String,
    /// The instant, for a booking.
    pub free_until_at: Option<DateTime<Utc>>,
    /// Minutes for which a booking confirmed after that instant is free to cancel.
    pub fresh_cancel_min: Option<i64>,
}

/// A preview (QO-1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The services, priced for the car.
    pub services: Vec<OrderedService>,
    /// Their sum: place with it as `shown_total`.
    pub total: Money,
    /// The estimate of the route, seconds.
    pub route_secs: i64,
    /// Seconds added to it for a quick order.
    pub arrival_buffer_secs: i64,
    /// The terms of cancelling.
    pub cancellation: Terms,
    /// The end of a booking.
    pub ends_at: Option<DateTime<Utc>>,
    /// The deadline for the partner's answer to a booking.
    pub answer_by: Option<DateTime<Utc>>,
    /// Warnings for the client: `overlaps_another_order` (BK-11), `arrives_after_closing`.
    pub warnings: Vec<String>,
}

/// A checked order request.
pub(in crate::orders) struct PreparedOrder {
    pub(in crate::orders) policy: PolicyVersion,
    pub(in crate::orders) car: car::Model,
    pub(in crate::orders) partner: partner::Model,
    pub(in crate::orders) snapshot: OrderTerms,
    pub(in crate::orders) total: Money,
    pub(in crate::orders) booked: Option<slot::Chosen>,
    /// All open orders of the client.
    pub(in crate::orders) open: Vec<Model>,
    overlaps: bool,
    after_closing: bool,
}

impl PreparedOrder {
    /// The warnings for the client.
    pub(in crate::orders) fn warnings(&self) -> Vec<String> {
        let mut warnings = warnings(self.overlaps);
        if self.after_closing {
            warnings.push("arrives_after_closing".to_owned());
        }
        warnings
    }
}

/// Previews an order; changes nothing.
pub struct PreviewOrder {
    /// The client.
    pub client_id: PersonId,
    /// The order request.
    pub wish: OrderRequest,
}

impl Command<Context> for PreviewOrder {
    type Answer = Preview;
    const NAME: CommandName = CommandName::PreviewOrder;

    async fn run(&self, tx: &mut Tx) -> Result<Preview, CommandError> {
        let ready = prepare(tx, self.client_id, &self.wish).await?;
        let keys = &ready.policy.keys;
        let start = ready.booked.as_ref().map(|booked| booked.starts_at);
        let warnings = ready.warnings();
        let snapshot = ready.snapshot;
        let free = TimeDelta::minutes(snapshot.free_cancel_min);
        Ok(Preview {
            total: ready.total,
            route_secs: snapshot.route_secs,
            arrival_buffer_secs: snapshot.buffer_secs,
            cancellation: Terms {
                fee_bp: snapshot.fee_bp.0,
                fee_cap: snapshot.fee_cap,
                free_until: if start.is_some() { "free_until_at" } else { "acceptance" }.to_owned(),
                free_until_at: start.map(|start| start - free),
                fresh_cancel_min: start.map(|_| snapshot.fresh_cancel_min),
            },
            ends_at: ready.booked.as_ref().map(|booked| booked.ends_at),
            answer_by: start.map(|start| slot::answer_by(start, tx.now(), keys)),
            warnings,
            services: snapshot.lines,
        })
    }
}

/// The warnings for the client.
pub(in crate::orders) fn warnings(overlaps: bool) -> Vec<String> {
    if overlaps { vec!["overlaps_another_order".to_owned()] } else { Vec::new() }
}

/// Checks shared by preview and placing.
pub(in crate::orders) async fn prepare(
    tx: &mut Tx,
    client_id: PersonId,
    wish: &OrderRequest,
) -> Result<PreparedOrder, CommandError> {
    if wish.starts_at.is_some() != (wish.kind == OrderKind::Booking) {
        return Err(Refusal::StartInvalid.into());
    }
    let policy = policy::registry::in_force(tx)?;
    let car = tx.find_cached::<car::Entity>(wish.car_id).await?;
    let car = car.filter(|car| car.client_id == client_id && car.removed_at.is_none());
    let car = car.ok_or(Refusal::NoSuchCar)?;
    let (partner, plan) = plan::of(tx, wish.partner_id).await?;
    let serves = match wish.kind {
        OrderKind::Quick => partners::profile::read::serving(&partner, &plan.calendar, tx.now()),
        OrderKind::Booking => partners::profile::read::taking(&partner),
    };
    if !serves {
        return Err(Refusal::PartnerNotTaking.into());
    }
    let keys = &policy.keys;
    let lines = price::lines(&plan.services, &[], &wish.service_ids, car.class, keys)?;
    let need = plan.need(&wish.service_ids, car.class, keys)?;
    let some_bay = !plan.bays_for(need.bay_kind.as_deref()).is_empty();
    if !some_bay && (wish.kind == OrderKind::Booking || plan.keeps_bays) {
        return Err(partners::Refusal::NoBay.into());
    }
    let total = price::total(&lines)?;
    let snapshot = snapshot(keys, &partner, &car, lines, wish, need.bay_kind.clone());
    let after_closing = wish.kind == OrderKind::Quick
        && reach::checked(&snapshot, &partner, &plan, keys, tx.now())?;
    let booked = match wish.starts_at {
        None => None,
        Some(start) => {
            let (plan, need) = (&plan, &need);
            let wanted = slot::SlotRequest { plan, need, car: car.id, policy: keys, moving: None };
            Some(wanted.choose(tx, partner.id, start).await?)
        }
    };
    let OrderRequest { car_id, partner_id, kind, .. } = *wish;
    let clash = Clash { client_id, car_id, partner_id, kind, except: None, told: true };
    let open = clash.open(tx).await?;
    let overlaps = clash.among(&open, span_of(&snapshot, booked.as_ref(), tx.now()))?;
    Ok(PreparedOrder {
        policy,
        car,
        partner,
        snapshot,
        total,
        booked,
        open,
        overlaps,
        after_closing,
    })
}

fn snapshot(
    keys: &Policy,
    partner: &partner::Model,
    car: &car::Model,
    lines: Vec<OrderedService>,
    wish: &OrderRequest,
    bay_kind: Option<String>,
) -> OrderTerms {
    let point = Point { lat: partner.lat, lon: partner.lon };
    let buffer_min = i64::from(partner.arrival_buffer_min).max(keys.quick.arrival_buffer_min);
    let booking = &keys.booking;
    let (fee_bp, fee_cap) = match wish.kind {
        OrderKind::Quick => (keys.quick.fee_bp, keys.quick.fee_cap),
        OrderKind::Booking => (booking.fee_bp, booking.fee_cap),
    };
    OrderTerms {
        partner_name: partner.name.clone(),
        partner_address: partner.address.clone(),
        partner_point: point,
        zone: partner.zone.clone(),
        car_make: car.make.clone(),
        origin: wish.origin,
        lines,
        route_secs: geo::route_secs(
            geo::distance_m(wish.origin, point),
            keys.arrival.route_detour_pct,
            keys.arrival.route_speed_kmh,
        ),
        buffer_secs: buffer_min * 60,
        fee_bp,
        fee_cap,
        free_cancel_min: partner.free_cancel_min.map_or(booking.free_cancel_min, i64::from),
        fresh_cancel_min: booking.fresh_cancel_min,
        bay_kind,
    }
}

/// The check for other orders of the same client at the same time.
pub(in crate::orders) struct Clash {
    client_id: PersonId,
    car_id: CarId,
    partner_id: PartnerId,
    kind: OrderKind,
    except: Option<OrderId>,
    /// The caller is the client: others do not learn where the car is booked.
    told: bool,
}

impl Clash {
    /// For an existing order; `told` if its client asks.
    pub(in crate::orders) fn of_order(order: &Model, told: bool) -> Self {
        let Model { client_id, car_id, partner_id, kind, .. } = *order;
        Self { client_id, car_id, partner_id, kind, except: Some(order.id), told }
    }

    /// BK-11: the same client at two partners gets a warning (`true`).
    ///
    /// # Errors
    /// `car_booked` when the same car is at two places at the same time.
    pub(in crate::orders) async fn overlaps(
        &self,
        tx: &Tx,
        span: Span,
    ) -> Result<bool, CommandError> {
        self.among(&self.open(tx).await?, span)
    }

    /// All open orders of the client.
    async fn open(&self, tx: &Tx) -> Result<Vec<Model>, CommandError> {
        let open = [
            OrderStatus::Requested,
            OrderStatus::Confirmed,
            OrderStatus::OnTheWay,
            OrderStatus::Active,
        ];
        let others = order::Entity::find()
            .filter(order::Column::ClientId.eq(self.client_id))
            .filter(order::Column::Status.is_in(open));
        Ok(readable::partly(tx.db(), others).await?)
    }

    /// As [`Self::overlaps`], among the given orders of the client.
    fn among(&self, others: &[Model], span: Span) -> Result<bool, CommandError> {
        let mut overlaps = false;
        let others = others.iter().filter(|other| Some(other.id) != self.except);
        for other in others {
            let meets = meets(other, span);
            // The database itself refuses the second of two quick orders of a car (QO-7).
            let both_quick = (other.kind, self.kind) == (OrderKind::Quick, OrderKind::Quick);
            let same_car = other.car_id == self.car_id && !both_quick;
            if same_car && (meets || capacity::keeps_car(other, span)) {
                let refused = Refusal::CarBooked.refused();
                if !self.told {
                    return Err(refused.into());
                }
                return Err(refused
                    .with("order_id", other.id)
                    .with("starts_at", other.starts_at)
                    .with("partner", &other.snapshot.partner_name)
                    .into());
            }
            overlaps |= meets && other.partner_id != self.partner_id;
        }
        Ok(overlaps)
    }
}

/// The time of the visit.
fn span_of(snapshot: &OrderTerms, booked: Option<&slot::Chosen>, now: Instant) -> Span {
    if let Some(booked) = booked {
        return Span { from: booked.place.from, until: booked.place.until };
    }
    price::visit(&snapshot.lines).occupying(now + TimeDelta::seconds(snapshot.route_secs))
}

/// Does an open order occupy its client in this span, or would it by a pending move, as far as is
/// known now?
fn meets(other: &Model, span: Span) -> bool {
    let moving = other.proposal.as_ref().is_some_and(|proposal| match &proposal.what {
        Proposed::Reschedule { place, .. } => place.from < span.until && span.from < place.until,
        Proposed::AddOn { .. } => false,
    });
    // A booking without a bay keeps its start.
    let begins = other.taken_from.or(other.starts_at).or(other.eta_at);
    let begins = begins.unwrap_or(other.placed_at + TimeDelta::seconds(other.snapshot.route_secs));
    let visit = price::visit(&other.snapshot.lines);
    let ends = other.taken_until.unwrap_or(visit.occupying(begins).until);
    moving || (begins < span.until && span.from < ends)
}

/// Sets the times of a booked visit, which determine its occupancy once it is placed or moved.
pub(in crate::orders) fn scheduled(order: Model, chosen: &slot::Chosen, keys: &Policy) -> Model {
    let start = chosen.starts_at;
    let booking = &keys.booking;
    let route = TimeDelta::seconds(order.snapshot.route_secs);
    let window = TimeDelta::minutes(booking.depart_window_min)
        .max(route + TimeDelta::minutes(booking.depart_route_plus_min));
    let BayAllocation { bay_id, from, until } = chosen.place;
    Model {
        starts_at: Some(start),
        ends_at: Some(chosen.ends_at),
        bay_id: Some(bay_id),
        overbooked: false,
        taken_from: Some(from),
        taken_until: Some(until),
        depart_from: Some(start - window),
        depart_deadline: Some(start + TimeDelta::seconds(booking.depart_grace_s)),
        arrival_deadline: Some(start + TimeDelta::minutes(booking.arrival_grace_min)),
        ..order
    }
}
