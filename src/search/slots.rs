//! Free slots of a partner for some services and a class of car (BK-1, BK-3).
//!
//! The plan comes from the node's cache. One read then returns the occupancy and the branch's
//! version; if that differs from the plan's, both are read again.

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use chrono::{DateTime, NaiveDate, Utc};
use entity::partner;
use entity::value::{CarClass, CarId, Instant, PartnerId, ServiceId};
use sea_orm::{ConnectionTrait, EntityTrait as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::partners::Refusal;
use crate::partners::capacity::availability::{NOBODY, Search};
use crate::partners::capacity::plan::{Need, Plan, Plans};
use crate::partners::capacity::slots::Slot;
use crate::policy::Policy;
use platform::CommandError;

/// Maximum reads of a branch that is being edited.
const READS_MAX: u32 = 4;

/// A search for free slots.
#[derive(Clone, Debug)]
pub struct SlotSearch {
    /// The branch.
    pub partner_id: PartnerId,
    /// All of these services, each named once.
    pub service_ids: Vec<ServiceId>,
    /// The class of the car.
    pub class: CarClass,
    /// The car, if known: it cannot be at two places at the same time (BK-11).
    pub car_id: Option<CarId>,
    /// The first local date.
    pub date: NaiveDate,
    /// The number of days from it on.
    pub days: u64,
}

/// The free slots of some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlotsView {
    /// The branch's IANA zone.
    pub zone: String,
    /// The first local date.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
    /// Sorted by start.
    pub slots: Vec<FreeSlot>,
}

/// A slot that can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreeSlot {
    /// The start to book with.
    pub starts_at: DateTime<Utc>,
    /// When the services end.
    pub ends_at: DateTime<Utc>,
}

impl From<&Slot> for FreeSlot {
    fn from(slot: &Slot) -> Self {
        Self { starts_at: slot.starts_at, ends_at: slot.ends_at }
    }
}

/// Searches for free slots. A branch that takes no orders now has none.
///
/// # Errors
/// `no_such_partner`; `service_unknown`, `service_stopped`, `not_for_class`, `different_bays`; a
/// fault.
pub async fn slots<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &SlotSearch,
    policy: &Policy,
    now: Instant,
) -> Result<SlotsView, CommandError> {
    let began = Stopwatch::now();
    let found = newest(db, plans, wanted, policy, now).await;
    metrics::histogram!("yumo_slots_seconds").record(began.elapsed());
    found
}

async fn newest<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &SlotSearch,
    policy: &Policy,
    now: Instant,
) -> Result<SlotsView, CommandError> {
    if let Some(plan) = plans.kept(wanted.partner_id) {
        // Neither a refusal nor an empty result is answered from a cached plan alone.
        let need =
            plan.need(&wanted.service_ids, wanted.class, policy).ok().filter(|_| plan.taking);
        if let Some(need) = need
            && let Some(found) = read_free(db, &plan, &need, wanted, policy, now).await?
        {
            return Ok(found);
        }
    }
    for _ in 0..READS_MAX {
        let row = partner::Entity::find_by_id(wanted.partner_id).all(db).await?.pop();
        let plan: Arc<Plan> = plans.of(db, &row.ok_or(Refusal::NoSuchPartner)?).await?;
        let need = plan.need(&wanted.service_ids, wanted.class, policy)?;
        if !plan.taking {
            return Ok(view(&plan, wanted, &[]));
        }
        if let Some(found) = read_free(db, &plan, &need, wanted, policy, now).await? {
            return Ok(found);
        }
    }
    Err(CommandError::Contended)
}

/// The free slots under this plan; `None` if the branch was edited since.
async fn read_free<C: ConnectionTrait>(
    db: &C,
    plan: &Plan,
    need: &Need,
    wanted: &SlotSearch,
    policy: &Policy,
    now: Instant,
) -> Result<Option<SlotsView>, CommandError> {
    let SlotSearch { partner_id, car_id: car, date, days, .. } = *wanted;
    let search = Search { plan, need, car, holder: NOBODY, policy, now };
    let (free, held) = search.slots(db, partner_id, date, days).await?;
    let free = search.for_car(free, &held);
    Ok((held.version == plan.version).then(|| view(plan, wanted, &free)))
}

fn view(plan: &Plan, wanted: &SlotSearch, free: &[Slot]) -> SlotsView {
    SlotsView {
        zone: plan.calendar.zone.name().to_owned(),
        date: wanted.date,
        slots: free.iter().map(FreeSlot::from).collect(),
    }
}
