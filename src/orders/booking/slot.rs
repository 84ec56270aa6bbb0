//! The slot of a booking: whether it is on the partner's grid and free, which bay it gets, and the
//! alternatives (BK-1 … BK-3).

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind};
use entity::value::{BayId, CarId, Instant, OrderId, PartnerId, Span};

use crate::context::Tx;
use crate::orders::capacity;
use crate::partners::Refusal;
use crate::partners::capacity::availability::{NOBODY, Search, free_bays};
use crate::partners::capacity::plan::{Need, Plan};
use crate::partners::capacity::slots::{self, Slot};
use crate::policy::Policy;
use crate::search::slots::FreeSlot;
use platform::CommandError;

/// A slot request against a branch's plan.
pub struct SlotRequest<'a> {
    /// The branch's plan.
    pub plan: &'a Plan,
    /// What the visit needs.
    pub need: &'a Need,
    /// The car.
    pub car: CarId,
    /// The policy.
    pub policy: &'a Policy,
    /// The order to be moved: its own occupancy counts as free (BK-8).
    pub moving: Option<OrderId>,
}

/// A slot and its bay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The start.
    pub starts_at: Instant,
    /// The end of the services.
    pub ends_at: Instant,
    /// The bay allocation.
    pub place: BayAllocation,
}

impl SlotRequest<'_> {
    /// Chooses a bay for this start.
    ///
    /// # Errors
    /// The reason it cannot be booked, each with its own code; for a taken slot, with alternatives.
    pub async fn choose(
        &self,
        tx: &Tx,
        partner_id: PartnerId,
        start: Instant,
    ) -> Result<Chosen, CommandError> {
        let now = tx.now();
        let plan = self.plan;
        let holder = self.moving.map_or(NOBODY, |id| id.0);
        let Self { need, policy, .. } = *self;
        let search = Search { plan, need, car: Some(self.car), holder, policy, now };
        let bookable = search.bookable();
        if start <= now {
            return Err(Refusal::SlotPast.into());
        }
        if start >= bookable.until {
            return Err(Refusal::SlotTooFar.refused().with("until", bookable.until).into());
        }
        if !plan.calendar.on_grid(start, plan.grid_min(self.policy)) {
            return Err(Refusal::SlotOffGrid.into());
        }
        let date = plan.calendar.date_of(start);
        let (free, held) = search.slots(tx.db(), partner_id, date, 1).await?;
        if let Some(slot) = free.iter().find(|slot| slot.starts_at == start) {
            let visit = self.need.visit;
            // A repeated run lost a bay to a concurrent command: spread over the rest.
            let best = if tx.first_run() {
                slots::choose(slot, &held.busy, visit)
            } else {
                slot.bays.get(rand::random_range(0..slot.bays.len().max(1))).copied()
            };
            if let Some(bay_id) = best {
                let Span { from, until } = visit.occupying(start);
                let place = BayAllocation { bay_id, from, until };
                return Ok(Chosen { starts_at: start, ends_at: slot.ends_at, place });
            }
        }
        let serving = self.need.visit.serving(start);
        let open = start >= bookable.from && plan.calendar.open(serving).contains(&serving);
        let refusal = if start < search.notice() {
            Refusal::SlotTooSoon
        } else if open {
            Refusal::SlotTaken
        } else {
            Refusal::SlotOutsideHours
        };
        let free = search.for_car(free, &held);
        let others = self.others(tx, &search, partner_id, start, free).await?;
        Err(refusal.refused().with("alternatives", others).into())
    }

    /// The free slots nearest to a start: of its day, then of later days if those are too few.
    async fn others(
        &self,
        tx: &Tx,
        search: &Search<'_>,
        partner_id: PartnerId,
        start: Instant,
        mut free: Vec<Slot>,
    ) -> Result<Vec<FreeSlot>, CommandError> {
        let most = self.policy.booking.alternatives_max;
        if free.len() < most {
            let next = self.plan.calendar.date_of(start).succ_opt();
            let days = u64::try_from(self.policy.booking.alternatives_days).unwrap_or(0);
            if let Some(next) = next.filter(|_| days > 0) {
                let (later, held) = search.slots(tx.db(), partner_id, next, days).await?;
                free.extend(search.for_car(later, &held));
            }
        }
        Ok(nearest(&free, start, most))
    }
}

/// Is the car of an order free of other orders (BK-11): in this span for a booking, for the
/// duration of the visit for a quick order?
///
/// # Errors
/// When the database fails.
pub async fn car_free(tx: &Tx, order: &Model, span: Span) -> Result<bool, CommandError> {
    let span = match order.kind {
        OrderKind::Quick => capacity::quick_visit(order),
        OrderKind::Booking => span,
    };
    let car = BayId(order.car_id.0);
    let free = free_bays(tx.db(), order.partner_id, &[car], span, order.id.0).await?;
    Ok(!free.is_empty())
}

/// The slots nearest to a start, in chronological order.
#[must_use]
pub fn nearest(free: &[Slot], start: Instant, most: usize) -> Vec<FreeSlot> {
    let mut slots: Vec<FreeSlot> = free.iter().map(FreeSlot::from).collect();
    slots.sort_by_key(|slot| ((slot.starts_at - start).abs(), slot.starts_at));
    slots.truncate(most);
    slots.sort_by_key(|slot| slot.starts_at);
    slots
}

/// The deadline for the partner's answer to a request for this start (BK-3).
#[must_use]
pub fn answer_by(start: Instant, now: Instant, policy: &Policy) -> Instant {
    let booking = &policy.booking;
    let long = start - now > TimeDelta::minutes(booking.confirm_split_min);
    let ttl = if long { booking.confirm_long_min } else { booking.confirm_short_min };
    let last = start - TimeDelta::minutes(booking.confirm_before_start_min);
    (now + TimeDelta::minutes(ttl)).min(last)
}
