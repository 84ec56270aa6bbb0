//! When a partner is free for some services and a class of car (BK-1, BK-3).
//!
//! The plan is taken as this node read it last. One read then gives what is held and the branch's
//! version with it; where that is another than the plan's, both are read anew.

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use chrono::{DateTime, NaiveDate, Utc};
use entity::partner;
use entity::value::{CarClass, CarId, Instant, PartnerId, ServiceId};
use sea_orm::{ConnectionTrait, EntityTrait as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::partners::Refusal;
use crate::partners::availability::{NOBODY, Search};
use crate::partners::plan::{Need, Plan, Plans};
use crate::partners::slots::Slot;
use crate::platform::Stop;
use crate::policy::Policy;

/// How often a branch that is being edited is read anew.
const READS_MAX: u32 = 4;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub partner_id: PartnerId,
    /// All of these services, each named once.
    pub service_ids: Vec<ServiceId>,
    /// For a car of this class.
    pub class: CarClass,
    /// For this very car: it cannot be at two places at one time (BK-11).
    pub car_id: Option<CarId>,
    /// On this local date …
    pub date: NaiveDate,
    /// … and so many days from it on.
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
    /// By their start.
    pub slots: Vec<FreeSlot>,
}

/// A slot that can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreeSlot {
    /// Book with it.
    pub starts_at: DateTime<Utc>,
    /// When the services end.
    pub ends_at: DateTime<Utc>,
}

impl From<&Slot> for FreeSlot {
    fn from(slot: &Slot) -> Self {
        Self { starts_at: slot.starts_at, ends_at: slot.ends_at }
    }
}

/// Looks for them. A branch that takes no orders now has none.
///
/// # Errors
/// `no_such_partner`; `service_unknown`, `service_stopped`, `not_for_class`, `different_bays`; a
/// fault.
pub async fn slots<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &Wanted,
    policy: &Policy,
    now: Instant,
) -> Result<SlotsView, Stop> {
    let began = Stopwatch::now();
    let found = newest(db, plans, wanted, policy, now).await;
    metrics::histogram!("yumo_slots_seconds").record(began.elapsed());
    found
}

async fn newest<C: ConnectionTrait>(
    db: &C,
    plans: &Plans,
    wanted: &Wanted,
    policy: &Policy,
    now: Instant,
) -> Result<SlotsView, Stop> {
    if let Some(plan) = plans.kept(wanted.partner_id) {
        // Neither a no nor "none" is said on the word of a kept plan alone.
        let need =
            plan.need(&wanted.service_ids, wanted.class, policy).ok().filter(|_| plan.taking);
        if let Some(need) = need
            && let Some(found) = look(db, &plan, &need, wanted, policy, now).await?
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
        if let Some(found) = look(db, &plan, &need, wanted, policy, now).await? {
            return Ok(found);
        }
    }
    Err(Stop::Contended)
}

/// What is free under this plan; nothing where the branch has moved on since.
async fn look<C: ConnectionTrait>(
    db: &C,
    plan: &Plan,
    need: &Need,
    wanted: &Wanted,
    policy: &Policy,
    now: Instant,
) -> Result<Option<SlotsView>, Stop> {
    let Wanted { partner_id, car_id: car, date, days, .. } = *wanted;
    let search = Search { plan, need, car, holder: NOBODY, policy, now };
    let (free, held) = search.slots(db, partner_id, date, days).await?;
    let free = search.for_car(free, &held);
    Ok((held.version == plan.version).then(|| view(plan, wanted, &free)))
}

fn view(plan: &Plan, wanted: &Wanted, free: &[Slot]) -> SlotsView {
    SlotsView {
        zone: plan.calendar.zone.name().to_owned(),
        date: wanted.date,
        slots: free.iter().map(FreeSlot::from).collect(),
    }
}
