//! Arrival: by positions near the branch, or by the code shown there (ARR-1, ARR-3).

use chrono::{DateTime, TimeDelta, Utc};
use entity::order::{ArrivalBy, Model, Status};
use entity::value::fold::fold_digits;
use entity::value::{Instant, OrderId, Point, SealedColumn};
use entity::{mark, order_position, partner};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::apply::{self, Step};
use super::machine::Intent;
use super::read::{self, Scope};
use super::view::{OrderView, view};
use super::{Refusal, late};
use crate::discovery::geo;
use crate::partners;
use crate::platform::crypto::Keys;
use crate::platform::idempotency::Key;
use crate::platform::{By, Command, Done, Engine, Stop, Tx};
use crate::policy::{self, Policy};

/// The worst accuracy a device may report, metres.
const ACCURACY_MAX: i32 = 10_000;

/// What a position meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PositionAnswer {
    /// Near the branch, and exact enough to count.
    pub near: bool,
    /// The arrival is recorded.
    pub arrived: bool,
    /// The newest estimate.
    pub eta_at: Option<DateTime<Utc>>,
    /// Metres to the branch.
    pub distance_m: i32,
}

/// The client's device says where it is.
pub struct SendPosition {
    /// Whose order.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
    /// Where.
    pub point: Point,
    /// How exactly, metres.
    pub accuracy_m: i32,
}

impl Command for SendPosition {
    type Answer = PositionAnswer;
    const NAME: &'static str = "send_position";

    async fn run(&self, tx: &mut Tx) -> Result<PositionAnswer, Stop> {
        if !(0..=ACCURACY_MAX).contains(&self.accuracy_m) {
            return Err(Refusal::PositionInvalid.into());
        }
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let keys = policy::book::pinned(tx, order.policy_version)?;
        let distance_m = geo::distance_m(self.point, order.snapshot.partner_point);
        let near =
            distance_m <= keys.arrival.radius_m && self.accuracy_m <= keys.arrival.accuracy_m;
        self.keep(tx, distance_m);
        let awaited = order.arrived_at.is_none() && order.frozen_until.is_none();
        let counts = near && awaited && departing(&order, tx.now());
        let enough = counts && self.pings(tx, &order, &keys).await? + 1 >= keys.arrival.pings;
        let order = if enough {
            late::still_awaited(tx, &order, self.scope)?;
            let next = arrived(&order, &keys, ArrivalBy::Position, tx.now());
            apply::step(tx, &order, Step::new(Intent::Arrive, "order.arrived", next))?
        } else if departing(&order, tx.now()) {
            estimated(tx, order, distance_m, &keys)?
        } else {
            order
        };
        Ok(PositionAnswer {
            near,
            arrived: order.arrived_at.is_some(),
            eta_at: order.eta_at,
            distance_m,
        })
    }
}

impl SendPosition {
    fn keep(&self, tx: &mut Tx, distance_m: i32) {
        let row = order_position::Model {
            id: Uuid::new_v4(),
            order_id: self.order_id,
            at: tx.now(),
            lat: self.point.lat,
            lon: self.point.lon,
            accuracy_m: self.accuracy_m,
            distance_m,
        };
        apply::position(tx, row);
    }

    /// Earlier positions that count: near, exact and fresh, and sent once departing was possible.
    async fn pings(&self, tx: &Tx, order: &Model, keys: &Policy) -> Result<usize, Stop> {
        let fresh = tx.now() - TimeDelta::seconds(keys.arrival.stale_s);
        let since = order.depart_from.map_or(fresh, |from| from.max(fresh));
        let n = order_position::Entity::find()
            .filter(order_position::Column::OrderId.eq(self.order_id))
            .filter(order_position::Column::At.gte(since))
            .filter(order_position::Column::DistanceM.lte(keys.arrival.radius_m))
            .filter(order_position::Column::AccuracyM.lte(keys.arrival.accuracy_m))
            .count(tx.db())
            .await?;
        Ok(usize::try_from(n).unwrap_or(0))
    }
}

/// The estimate moves, the deadline never (ARR-3); both sides are told when it moved enough.
fn estimated(tx: &mut Tx, order: Model, distance_m: i32, keys: &Policy) -> Result<Model, Stop> {
    let arrival = &keys.arrival;
    let secs = geo::route_secs(distance_m, arrival.route_detour_pct, arrival.route_speed_kmh);
    let eta = tx.now() + TimeDelta::seconds(secs);
    let moved =
        order.eta_at.is_none_or(|old| (eta - old).num_seconds().abs() >= arrival.eta_step_s);
    if !moved || order.arrived_at.is_some() || order.status == Status::Requested {
        return Ok(order);
    }
    let order = Model { eta_at: Some(eta), ..order };
    apply::estimate(tx, &order)?;
    Ok(order)
}

/// The client read the code shown at the branch.
pub struct ArriveByCode {
    /// Whose order.
    pub scope: Scope,
    /// Which order.
    pub order_id: OrderId,
    /// The code.
    pub code: String,
    /// One of the tries this order has was spent on it.
    pub claimed: bool,
}

impl Command for ArriveByCode {
    type Answer = OrderView;
    const NAME: &'static str = "arrive";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, Stop> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let refuse = |refusal| Err(read::refuse(refusal, &order, self.scope).into());
        if order.arrived_at.is_some() {
            return refuse(Refusal::AlreadyArrived);
        }
        if order.frozen_until.is_some() {
            return refuse(Refusal::Frozen);
        }
        if !departing(&order, tx.now()) {
            return refuse(Refusal::TooEarlyToDepart);
        }
        late::still_awaited(tx, &order, self.scope)?;
        if !self.claimed {
            return refuse(Refusal::TooManyCodes);
        }
        let partner = tx.find_kept::<partner::Entity>(order.partner_id).await?;
        let partner = partner.ok_or(partners::Refusal::NoSuchPartner)?;
        let keys = tx.shared::<Keys>()?;
        let right = keys.open(SealedColumn::ArrivalCode, partner.id, &partner.arrival_code);
        if !right.is_some_and(|right| keys.same(&right, &fold_digits(&self.code))) {
            return Err(Refusal::WrongCode.into());
        }
        let policy = policy::book::pinned(tx, order.policy_version)?;
        let next = arrived(&order, &policy, ArrivalBy::Code, tx.now());
        let order = apply::step(tx, &order, Step::new(Intent::Arrive, "order.arrived", next))?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Spends one of an order's tries before the code is compared: so many at once are still so many.
struct ClaimTry {
    scope: Scope,
    order_id: OrderId,
}

impl Command for ClaimTry {
    type Answer = ();
    const NAME: &'static str = "claim_code_try";

    async fn run(&self, tx: &mut Tx) -> Result<(), Stop> {
        let (order, _) = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let tries = policy::book::pinned(tx, order.policy_version)?.arrival.code_tries;
        let spent = spent(tx, self.order_id).await?;
        if spent >= tries || order.arrived_at.is_some() || order.frozen_until.is_some() {
            return Err(Refusal::TooManyCodes.into());
        }
        apply::claim(tx, &order, spent, "code_try", Refusal::TooManyCodes.refused());
        Ok(())
    }
}

/// Records an arrival by code; every code that is compared spends one of the order's tries.
///
/// # Errors
/// Refusals of [`ArriveByCode`].
pub async fn by_code(
    engine: &Engine,
    by: By,
    key: Key,
    command: ArriveByCode,
) -> Result<Done<OrderView>, Stop> {
    let claim = ClaimTry { scope: command.scope, order_id: command.order_id };
    let claimed = match engine.execute(by, None, claim).await {
        Ok(_) => true,
        // The command itself says why, or repeats its answer.
        Err(Stop::Refused(_)) => false,
        Err(stop) => return Err(stop),
    };
    engine.execute(by, Some(key), ArriveByCode { claimed, ..command }).await
}

async fn spent(tx: &Tx, order_id: OrderId) -> Result<u64, Stop> {
    let n = mark::Entity::find()
        .filter(mark::Column::Subject.eq(order_id.0))
        .filter(mark::Column::Kind.eq("code_try"))
        .count(tx.db())
        .await?;
    Ok(n)
}

/// Is departing possible? Before it nothing counts as an arrival (ARR-1, BK-5).
fn departing(order: &Model, now: Instant) -> bool {
    order.depart_from.is_none_or(|from| now >= from)
}

/// The client is there: every no-show clock stops, the partner's time to take the car in begins, of
/// a booking not before its start (ARR-2).
fn arrived(order: &Model, policy: &Policy, by: ArrivalBy, now: Instant) -> Model {
    let begins = order.starts_at.map_or(now, |start| start.max(now));
    let minutes = |n| Some(begins + TimeDelta::minutes(n));
    Model {
        arrived_at: Some(now),
        arrival_by: Some(by),
        eta_at: Some(now),
        overdue_at: None,
        decision_deadline: None,
        admit_alert_at: minutes(policy.arrival.admit_min),
        admit_deadline: minutes(policy.arrival.admit_end_min),
        ..order.clone()
    }
}
