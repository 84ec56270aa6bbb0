//! Positions sent by a client's device: stored at a limited rate, and counted as an arrival only
//! where plausible (ARR-1, ARR-3, LIM-3).

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::CommandName;
use entity::order::{Model, OrderStatus};
use entity::order_position::{self as row, Column};
use entity::value::{Instant, OrderId, Point};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::arrive::{ArrivalFacts, ArrivalProof, ArriveByCode, departing};
use crate::context::{Context, Tx};
use crate::orders::machine::Intent;
use crate::orders::read::{self, OrderScope};
use crate::orders::{Refusal, write};
use crate::policy::keys::ArrivalKeys;
use crate::policy::{self, Policy};
use crate::search::geo;
use platform::engine::write_set::Unique;
use platform::{Command, CommandError};

/// The worst accuracy a device may report, metres.
const ACCURACY_MAX: i32 = 10_000;
/// Maximum earlier positions that are read.
const EARLIER_MAX: i64 = 500;

/// The answer to a position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PositionAnswer {
    /// Near the branch, and accurate enough to count.
    pub near: bool,
    /// The arrival is recorded.
    pub arrived: bool,
    /// The newest estimate of the arrival.
    pub eta_at: Option<DateTime<Utc>>,
    /// Metres to the branch.
    pub distance_m: i32,
    /// Whether it was stored. One sent less than `arrival.ping_gap_s` after another is only
    /// answered.
    pub kept: bool,
}

/// Records a position of the client's device.
pub struct SendPosition {
    /// The acting client.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The position.
    pub point: Point,
    /// Its accuracy, metres.
    pub accuracy_m: i32,
    /// When the device took the fix, if known.
    pub fixed_at: Option<Instant>,
}

impl Command<Context> for SendPosition {
    type Answer = PositionAnswer;
    const NAME: CommandName = CommandName::SendPosition;

    async fn run(&self, tx: &mut Tx) -> Result<PositionAnswer, CommandError> {
        if !(0..=ACCURACY_MAX).contains(&self.accuracy_m) {
            return Err(Refusal::PositionInvalid.refused().at("/accuracy_m").into());
        }
        let order = read::ask(tx, self.scope, self.order_id, Intent::Arrive).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let earlier = self.earlier(tx, &keys.arrival).await?;
        let mut fix = self.fix(&order, earlier.first(), tx.now());
        let near = is_near(&fix, &keys.arrival);
        let (distance_m, gap) = (fix.distance_m, TimeDelta::seconds(keys.arrival.ping_gap_s));
        let kept = earlier.first().is_none_or(|last| fix.at >= last.at + gap);
        let order =
            if kept { self.take(tx, &order, &mut fix, &earlier, &keys).await? } else { order };
        let (eta_at, arrived) = (order.eta_at, order.arrived_at.is_some());
        Ok(PositionAnswer { near, arrived, eta_at, distance_m, kept })
    }
}

impl SendPosition {
    /// The newest positions of the order that may matter, newest first.
    async fn earlier(&self, tx: &Tx, keys: &ArrivalKeys) -> Result<Vec<row::Model>, CommandError> {
        let reach = keys.stale_s.max(keys.eta_gap_s) / keys.ping_gap_s.max(1) + 2;
        let rows = row::Entity::find()
            .filter(Column::OrderId.eq(self.order_id))
            .order_by_desc(Column::At)
            .limit(u64::try_from(reach.min(EARLIER_MAX)).unwrap_or(0));
        Ok(rows.all(tx.db()).await?)
    }

    /// Its id is the newest one's plus one: the primary key refuses one of two concurrent
    /// positions, which then reads the other and is too early.
    fn fix(&self, order: &Model, last: Option<&row::Model>, now: Instant) -> row::Model {
        let before = last.map_or(order.id.0, |last| last.id);
        row::Model {
            id: Uuid::from_u128(before.as_u128().wrapping_add(1)),
            order_id: self.order_id,
            at: now,
            lat: self.point.lat,
            lon: self.point.lon,
            accuracy_m: self.accuracy_m,
            distance_m: geo::distance_m(self.point, order.snapshot.partner_point),
            fixed_at: self.fixed_at,
            eta_at: None,
        }
    }

    /// Stores it, with its effects: an arrival, a new estimate, or a doubt.
    async fn take(
        &self,
        tx: &mut Tx,
        order: &Model,
        fix: &mut row::Model,
        earlier: &[row::Model],
        keys: &Policy,
    ) -> Result<Model, CommandError> {
        let awaited = order.arrived_at.is_none() && order.frozen_until.is_none();
        let departing = departing(order, tx.now());
        let enough = awaited && departing && arrives(order, fix, earlier, &keys.arrival);
        let mut next = order.clone();
        if !enough && departing {
            fix.eta_at = estimate(order, fix, earlier, &keys.arrival);
            next.eta_at = fix.eta_at.or(order.eta_at);
        }
        let doubted = earlier.is_empty() && !reachable(order, fix, &keys.arrival);
        if doubted {
            next.position_doubted_at = Some(tx.now());
        }
        write::position(tx, fix.clone());
        tx.unique(Unique {
            name: "order_position_pkey",
            columns: "order_position.id",
            refusal: Refusal::NotNow.refused(),
            choose_again: true,
        });
        if enough {
            let facts = ArrivalFacts { proof: ArrivalProof::Positions };
            let step = ArriveByCode::decide(order, &facts, keys, tx.now());
            let step = step.map_err(|refusal| read::refuse(tx, refusal, order, self.scope))?;
            return write::step(tx, order, step).await;
        }
        write::located(tx, &next, fix.eta_at.is_some(), doubted)?;
        Ok(next)
    }
}

fn is_near(fix: &row::Model, keys: &ArrivalKeys) -> bool {
    fix.distance_m <= keys.radius_m && fix.accuracy_m <= keys.accuracy_m
}

/// Could the client have come there from the origin in the time since placing? Measured in a
/// straight line, less the inaccuracy of both positions (LIM-3).
fn reachable(order: &Model, fix: &row::Model, keys: &ArrivalKeys) -> bool {
    let Some(point) = Point::new(fix.lat, fix.lon) else { return false };
    let metres = i64::from(geo::distance_m(order.snapshot.origin, point))
        - i64::from(fix.accuracy_m)
        - i64::from(keys.accuracy_m);
    let secs = (fix.at - order.placed_at).num_seconds().max(0);
    metres.saturating_mul(3600) <= secs.saturating_mul(keys.reach_kmh).saturating_mul(1000)
}

/// Does this position, together with earlier ones, prove an arrival: near, accurate, fresh, sent
/// once departing was possible, within reach, `arrival.ping_gap_s` apart and different fixes
/// (ARR-1, LIM-3)?
fn arrives(order: &Model, fix: &row::Model, earlier: &[row::Model], keys: &ArrivalKeys) -> bool {
    let counts = |row: &row::Model| is_near(row, keys) && reachable(order, row, keys);
    if !counts(fix) {
        return false;
    }
    let fresh = fix.at - TimeDelta::seconds(keys.stale_s);
    let since = order.depart_from.map_or(fresh, |from| from.max(fresh));
    let gap = TimeDelta::seconds(keys.ping_gap_s);
    let mut counted = vec![fix];
    for row in earlier.iter().filter(|row| row.at >= since && counts(row)) {
        let apart = counted.iter().all(|other| row.at + gap <= other.at && differ(row, other));
        if apart {
            counted.push(row);
        }
    }
    counted.len() >= keys.pings
}

/// Are these two different fixes, or one sent twice? Compared by the time of the fix, or, where
/// that is missing, by the position.
fn differ(a: &row::Model, b: &row::Model) -> bool {
    if let (Some(a), Some(b)) = (a.fixed_at, b.fixed_at) {
        return a != b;
    }
    let place = |row: &row::Model| (row.lat.to_bits(), row.lon.to_bits(), row.accuracy_m);
    place(a) != place(b)
}

/// The estimate to emit with this position, which never moves the deadline; only if it changed
/// enough, and not too soon after the last one (ARR-3, LIM-3).
fn estimate(
    order: &Model,
    fix: &row::Model,
    earlier: &[row::Model],
    keys: &ArrivalKeys,
) -> Option<Instant> {
    if order.arrived_at.is_some() || order.status == OrderStatus::Requested {
        return None;
    }
    let secs = geo::route_secs(fix.distance_m, keys.route_detour_pct, keys.route_speed_kmh);
    let eta = fix.at + TimeDelta::seconds(secs);
    let moved = order.eta_at.is_none_or(|old| (eta - old).num_seconds().abs() >= keys.eta_step_s);
    let told = earlier.iter().find(|row| row.eta_at.is_some());
    let rested = told.is_none_or(|row| fix.at >= row.at + TimeDelta::seconds(keys.eta_gap_s));
    (moved && rested).then_some(eta)
}
