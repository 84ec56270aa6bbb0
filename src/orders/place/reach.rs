//! Distance rules of a quick order: near enough, and there before the branch closes. Pure (LIM-4).

use chrono::TimeDelta;
use entity::order::OrderTerms;
use entity::partner;
use entity::value::{Instant, Span};

use crate::orders::Refusal;
use crate::partners::capacity::plan::Plan;
use crate::partners::schedule::hours::Calendar;
use crate::policy::Policy;
use crate::search::geo;
use platform::Refused;

/// Metres in a kilometre.
const KM_M: i32 = 1000;

/// Checks a quick order by its origin; returns whether the client may arrive after closing, which
/// adds a warning.
///
/// # Source
/// LIM-4: the origin lies within the policy's distance and route of the branch. A client who is
/// expected after closing is refused, unless the branch takes such orders.
///
/// # Errors
/// `origin_too_far`, `arrives_after_closing`.
pub(in crate::orders) fn checked(
    snapshot: &OrderTerms,
    partner: &partner::Model,
    plan: &Plan,
    keys: &Policy,
    now: Instant,
) -> Result<bool, Refused> {
    let distance_m = geo::distance_m(snapshot.origin, snapshot.partner_point);
    let (km_max, min_max) = (keys.quick.origin_max_km, keys.quick.route_max_min);
    if distance_m > km_max.saturating_mul(KM_M) || snapshot.route_secs > min_max * 60 {
        let far = Refusal::OriginTooFar.refused().with("distance_m", distance_m);
        let far = far.with("route_secs", snapshot.route_secs);
        return Err(far.with("origin_max_km", km_max).with("route_max_min", min_max));
    }
    let arrives = now + TimeDelta::seconds(snapshot.route_secs);
    let latest = arrives + TimeDelta::seconds(snapshot.buffer_secs);
    let Some(closes) = closes_before(&plan.calendar, now, latest) else { return Ok(false) };
    if closes <= arrives && !partner.late_arrivals {
        let late = Refusal::AfterClosing.refused().with("closes_at", closes);
        return Err(late.with("arrives_at", arrives));
    }
    Ok(true)
}

/// Would a quick order placed now from this distance arrive after closing, at a branch that does
/// not take such orders?
pub(in crate::orders) fn too_late(
    partner: &partner::Model,
    calendar: &Calendar,
    route_secs: i64,
    now: Instant,
) -> bool {
    let arrives = now + TimeDelta::seconds(route_secs);
    !partner.late_arrivals && closes_before(calendar, now, arrives).is_some()
}

/// When the branch that is open now closes, if that is no later than `latest`.
fn closes_before(calendar: &Calendar, now: Instant, latest: Instant) -> Option<Instant> {
    // One second more: closing at the very instant counts.
    let within = Span { from: now, until: latest + TimeDelta::seconds(1) };
    let open = calendar.open(within).into_iter().find(|span| span.holds(now))?;
    (open.until <= latest).then_some(open.until)
}
