//! The partners near a point that are open now, nearest first.

use std::collections::BTreeSet;

use entity::partner;
use entity::partner::PartnerState;
use entity::value::{CarClass, Instant, Money, PartnerId, Point, ServiceId};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::geo;
use crate::ledger::read::able;
use crate::partners::capacity::plan::Plans;
use crate::partners::profile::read::{self, ServiceView};
use crate::policy::Policy;
use platform::db::readable;
use platform::{CommandError, failure};

/// Maximum rows of one search.
pub const FOUND_MAX: usize = 50;

/// A search for partners near a point.
#[derive(Clone, Debug)]
pub struct NearestQuery {
    /// The centre of the search.
    pub centre: Point,
    /// The maximum distance, metres.
    pub radius_m: u32,
    /// The required kinds of work, all of them; any if empty.
    pub codes: BTreeSet<String>,
    /// The class of car; if absent, services of any class are shown.
    pub class: Option<CarClass>,
    /// Whether to include closed ones.
    pub closed_too: bool,
}

/// A service for one class of car.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Offered {
    /// The service.
    pub id: ServiceId,
    /// The kind of work.
    pub code: String,
    /// The name clients see.
    pub name: String,
    /// The price; the lowest if no class was named.
    pub price: Money,
    /// The duration, minutes.
    pub minutes: i32,
}

/// A branch as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartnerListing {
    /// The branch.
    pub id: PartnerId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its position.
    pub point: Point,
    /// Metres along the sphere.
    pub distance_m: i32,
    /// The public estimate of the route, seconds.
    pub route_secs: i64,
    /// Whether it serves now.
    pub open: bool,
    /// Its services.
    pub services: Vec<Offered>,
}

/// Searches for partners near a point.
///
/// # Errors
/// When the database fails.
pub async fn nearest<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &NearestQuery,
    policy: &Policy,
    now: Instant,
) -> Result<Vec<PartnerListing>, CommandError> {
    let (south, north, west, east) = geo::around(wanted.centre, wanted.radius_m);
    let rows = partner::Entity::find()
        .filter(partner::Column::State.eq(PartnerState::Live))
        .filter(partner::Column::Lat.between(south, north))
        .filter(partner::Column::Lon.between(west, east));
    // A branch whose row cannot be decoded is omitted; the others are shown.
    let rows = readable::all(db, rows).await?.rows;
    let limit = i32::try_from(wanted.radius_m).unwrap_or(i32::MAX);
    let mut near: Vec<(i32, partner::Model)> = rows
        .into_iter()
        .map(|row| (geo::distance_m(wanted.centre, Point { lat: row.lat, lon: row.lon }), row))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_by_key(|(distance, row)| (*distance, row.id));
    let ids: Vec<PartnerId> = near.iter().map(|(_, row)| row.id).collect();
    // Branches that cannot afford an order are omitted (BAL-3).
    let able = able(db, &ids, policy.balance.floor).await?;
    near.retain(|(_, row)| able.contains(&row.id));
    let mut found = Vec::new();
    for (distance_m, row) in near {
        let plan = match plans.of(db, &row).await {
            Err(stop) if failure::unreadable(&stop) => {
                tracing::error!(partner_id = %row.id, ?stop, "left out of a search");
                continue;
            }
            plan => plan?,
        };
        let open = read::serving(&row, &plan.calendar, now);
        let offered = offered(&plan.services, wanted.class);
        let all = wanted.codes.iter().all(|code| offered.iter().any(|s| &s.code == code));
        if !all || (!open && !wanted.closed_too) {
            continue;
        }
        let arrival = &policy.arrival;
        found.push(PartnerListing {
            id: row.id,
            point: Point { lat: row.lat, lon: row.lon },
            name: row.name,
            address: row.address,
            distance_m,
            route_secs: geo::route_secs(
                distance_m,
                arrival.route_detour_pct,
                arrival.route_speed_kmh,
            ),
            open,
            services: offered,
        });
        if found.len() == FOUND_MAX {
            break;
        }
    }
    Ok(found)
}

fn offered(services: &[ServiceView], class: Option<CarClass>) -> Vec<Offered> {
    let price = |service: &ServiceView| {
        let fitting = service.prices.iter().filter(|p| class.is_none_or(|c| c == p.class));
        fitting.min_by_key(|p| p.price).map(|p| (p.price, p.minutes))
    };
    services
        .iter()
        .filter(|service| service.active)
        .filter_map(|service| {
            let (price, minutes) = price(service)?;
            let (code, name) = (service.code.clone(), service.name.clone());
            Some(Offered { id: service.id, code, name, price, minutes })
        })
        .collect()
}
