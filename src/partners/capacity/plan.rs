//! A branch's plan: hours, special days, services and bays as one value.
//!
//! Every edit of them raises the branch's version, so the version alone tells whether a cached plan
//! is current. Reads of a calendar return it, and the flush verifies it.

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::value::{BayId, CarClass, Instant, PartnerId, ServiceId};
use entity::{bay, partner, special_day};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::slots::Visit;
use crate::context::Tx;
use crate::partners::Refusal;
use crate::partners::local_time::zone;
use crate::partners::profile::read::{self, PriceView, ServiceView};
use crate::partners::schedule::hours::{Calendar, Opening, SpecialDay};
use crate::partners::schedule::special_days;
use crate::policy::Policy;
use platform::db::readable;
use platform::{CommandError, Fault};

/// Maximum plans in the cache.
const PLANS_MAX: u64 = 10_000;

/// A branch's plan at one version of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version it was read at.
    pub version: i64,
    /// Live and taking orders.
    pub taking: bool,
    /// Its opening hours.
    pub calendar: Calendar,
    /// Its services, including those offered no longer.
    pub services: Vec<ServiceView>,
    /// Its bays in use, by name.
    pub bays: Vec<bay::Model>,
    /// Whether it has any bays, in use or not.
    pub keeps_bays: bool,
    /// The end of a pause, or of closing for today.
    pub closed_until: Option<Instant>,
    /// Its own slot grid, minutes.
    pub grid_min: Option<i16>,
}

/// A service as it is offered now for a class of car, with its price.
///
/// # Errors
/// `service_unknown`, `service_stopped` or `not_for_class`.
pub fn offered(
    services: &[ServiceView],
    id: ServiceId,
    class: CarClass,
) -> Result<(&ServiceView, &PriceView), Refusal> {
    let service = services.iter().find(|service| service.id == id);
    let service = service.ok_or(Refusal::ServiceUnknown)?;
    if !service.active {
        return Err(Refusal::ServiceStopped);
    }
    let price = service.prices.iter().find(|price| price.class == class);
    Ok((service, price.ok_or(Refusal::NotForClass)?))
}

/// What the requested services need of a bay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The duration of the visit.
    pub visit: Visit,
    /// The required kind of bay; any if none is named.
    pub bay_kind: Option<String>,
}

/// The node's cache of plans.
pub struct Plans(moka::sync::Cache<PartnerId, Arc<Plan>>);

impl Default for Plans {
    fn default() -> Self {
        Self(moka::sync::Cache::new(PLANS_MAX))
    }
}

impl Plans {
    /// The plan of a branch from the cache, whatever its version.
    #[must_use]
    pub fn kept(&self, id: PartnerId) -> Option<Arc<Plan>> {
        self.0.get(&id)
    }

    /// The plan of a branch at the version of this row.
    ///
    /// # Errors
    /// A fault when the database fails or the zone is unknown.
    pub async fn of<C: ConnectionTrait>(
        &self,
        db: &C,
        partner: &partner::Model,
    ) -> Result<Arc<Plan>, CommandError> {
        if let Some(plan) = self.kept(partner.id).filter(|plan| plan.version == partner.version) {
            return Ok(plan);
        }
        let plan = Arc::new(load(db, partner).await?);
        self.0.insert(partner.id, Arc::clone(&plan));
        Ok(plan)
    }
}

/// Loads a branch and its plan for a command.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub async fn of(tx: &mut Tx, id: PartnerId) -> Result<(partner::Model, Arc<Plan>), CommandError> {
    let partner = tx.find_cached::<partner::Entity>(id).await?.ok_or(Refusal::NoSuchPartner)?;
    let plan = tx.context().plans.of(tx.db(), &partner).await?;
    Ok((partner, plan))
}

async fn load<C: ConnectionTrait>(db: &C, partner: &partner::Model) -> Result<Plan, CommandError> {
    let id = partner.id;
    let weekly = read::hours(db, &[id]).await?.remove(&id).unwrap_or_default();
    let special =
        special_day::Entity::find().filter(special_day::Column::PartnerId.eq(id)).all(db).await?;
    let special = special.iter().map(day).collect::<Result<Vec<_>, _>>()?;
    let bays = bay::Entity::find().filter(bay::Column::PartnerId.eq(id));
    let mut bays = readable::all(db, bays).await?.rows;
    let keeps_bays = !bays.is_empty();
    bays.retain(|bay| bay.active);
    bays.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(Plan {
        version: partner.version,
        taking: read::taking(partner),
        calendar: Calendar { zone: zone(partner)?, weekly, special },
        services: read::services(db, &[id]).await?.remove(&id).unwrap_or_default(),
        bays,
        keeps_bays,
        closed_until: partner.closed_until,
        grid_min: partner.grid_min,
    })
}

fn day(row: &special_day::Model) -> Result<SpecialDay, Fault> {
    let date = special_days::date_of(row)?;
    let open = |span: &special_day::DaySpan| Opening {
        opens_min: span.opens_min,
        closes_min: span.closes_min,
    };
    Ok(SpecialDay { date, spans: row.spans.0.iter().map(open).collect() })
}

impl Plan {
    /// The bays of the required kind.
    #[must_use]
    pub fn bays_for(&self, bay_kind: Option<&str>) -> Vec<BayId> {
        let fits = |bay: &&bay::Model| bay_kind.is_none_or(|kind| kind == bay.kind);
        self.bays.iter().filter(fits).map(|bay| bay.id).collect()
    }

    /// The slot grid, minutes.
    #[must_use]
    pub fn grid_min(&self, policy: &Policy) -> i64 {
        self.grid_min.map_or(policy.booking.grid_min, i64::from)
    }

    /// The kind of bay that serves all of these services, including those offered no longer.
    ///
    /// # Errors
    /// `different_bays`.
    pub fn bay_kind(&self, ids: &[ServiceId]) -> Result<Option<String>, Refusal> {
        let of = self.services.iter().filter(|service| ids.contains(&service.id));
        let kinds: BTreeSet<&String> = of.filter_map(|s| s.bay_kind.as_ref()).collect();
        if kinds.len() > 1 {
            return Err(Refusal::DifferentBays);
        }
        Ok(kinds.first().map(|kind| (*kind).clone()))
    }

    /// What these services need for a car of this class.
    ///
    /// # Errors
    /// `service_unknown`, `service_stopped`, `not_for_class` or `different_bays`.
    pub fn need(
        &self,
        ids: &[ServiceId],
        class: CarClass,
        policy: &Policy,
    ) -> Result<Need, Refusal> {
        let mut need = Need { visit: Visit { minutes: 0, buffer_min: 0 }, bay_kind: None };
        for id in ids {
            let (service, price) = offered(&self.services, *id, class)?;
            need.visit.minutes += i64::from(price.minutes);
            let rest = service.buffer_min.map_or(policy.booking.buffer_min, i64::from);
            need.visit.buffer_min = need.visit.buffer_min.max(rest);
        }
        need.bay_kind = self.bay_kind(ids)?;
        Ok(need)
    }
}
