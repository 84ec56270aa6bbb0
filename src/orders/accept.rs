//! Accepting an order: holds the commission, starts the client's time (QO-3, QO-4, BK-3).

use chrono::TimeDelta;
use entity::order::{BayAllocation, Model, OrderKind, OrderStatus};
use entity::partner::PartnerState;
use entity::value::{Instant, OrderId};
use serde_json::json;

use super::machine::Intent;
use super::read::{self, OrderScope};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, overrun, price, timers};
use crate::billing::funds;
use crate::ledger::standing::Standing;
use crate::partners::availability::{NOBODY, free_bays};
use crate::partners::plan::{self, Plan};
use crate::platform::{Command, CommandError, Tx};
use crate::policy::{self, Policy};

/// Accepts an offer.
pub struct Accept {
    /// The acting branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The version the staff saw (ORD-3).
    pub seen: i64,
    /// Take a quick order on purpose although no bay is free (BK-10).
    pub override_bay: bool,
}

impl Command for Accept {
    type Answer = OrderView;
    const NAME: &'static str = "accept";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let (order, to) = read::ask(tx, self.scope, self.order_id, Intent::Accept).await?;
        read::fresh(tx, &order, self.seen, self.scope).await?;
        let yes = Acceptance {
            scope: self.scope,
            intent: Intent::Accept,
            override_bay: self.override_bay,
        };
        let order = yes.to(tx, &order, to).await?;
        Ok(view(&order, self.scope.reader()))
    }
}

/// Confirms a booking automatically (BK-4). If the balance floor refuses, it stays requested.
pub struct AutoConfirmBooking {
    /// The order.
    pub order_id: OrderId,
}

impl Command for AutoConfirmBooking {
    type Answer = ();
    const NAME: &'static str = "auto_confirm";

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let scope = OrderScope::Clock;
        let (order, to) = read::ask(tx, scope, self.order_id, Intent::AutoConfirm).await?;
        let yes = Acceptance { scope, intent: Intent::AutoConfirm, override_bay: false };
        yes.to(tx, &order, to).await?;
        Ok(())
    }
}

/// An acceptance, by the partner or on its behalf.
struct Acceptance {
    scope: OrderScope,
    intent: Intent,
    override_bay: bool,
}

impl Acceptance {
    async fn to(&self, tx: &mut Tx, order: &Model, to: OrderStatus) -> Result<Model, CommandError> {
        let refuse = |refusal| Err(read::refuse(refusal, order, self.scope).into());
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        if !in_time(order, &keys, tx.now()) {
            return refuse(Refusal::OfferExpired);
        }
        if !tx.shared::<Standing>()?.holds() {
            return refuse(Refusal::BooksWrong);
        }
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        if partner.state != PartnerState::Live {
            return refuse(Refusal::PartnerNotTaking);
        }
        let mut next = accepted(order, to, tx.now());
        let mut staying = Vec::new();
        if order.kind == OrderKind::Quick {
            match self.bay(tx, &plan, order, &next).await? {
                Bay::Taken(place) => {
                    next.bay_id = Some(place.bay_id);
                    next.taken_from = Some(place.from);
                    next.taken_until = Some(place.until);
                }
                Bay::Overbooked(inside) => {
                    next.overbooked = true;
                    staying = inside;
                }
                Bay::Unmanaged => {}
            }
        }
        next.commission_bonus =
            funds::hold(tx, order.id, order.partner_id, order.commission).await?;
        let step = Step {
            note: json!({"overbooked": next.overbooked}),
            ..Step::new(self.intent, "order.confirmed", next)
        };
        let order = write::step(tx, order, step)?;
        for inside in staying.iter().take(1) {
            overrun::warn_of(tx, inside, &order)?;
        }
        Ok(order)
    }

    /// The bay of a quick order, from its estimated arrival. A car that overstays in a bay also
    /// occupies it, for as long as the bay's hold is extended for it (BK-10).
    async fn bay(
        &self,
        tx: &Tx,
        plan: &Plan,
        order: &Model,
        next: &Model,
    ) -> Result<Bay, CommandError> {
        let Some(eta) = next.eta_at.filter(|_| plan.keeps_bays) else {
            return Ok(Bay::Unmanaged);
        };
        let span = price::visit(&order.snapshot.lines).occupying(eta);
        let bays = plan.bays_for(order.snapshot.bay_kind.as_deref());
        let mut free = free_bays(tx.db(), order.partner_id, &bays, span, NOBODY).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let held_on = tx.now() + TimeDelta::minutes(keys.booking.overrun_hold_min);
        let mut staying = Vec::new();
        if free.is_empty() || span.from < held_on {
            staying = overrun::staying(tx, order.partner_id, &bays).await?;
        }
        if span.from < held_on {
            free.retain(|bay| staying.iter().all(|inside| inside.bay_id != Some(*bay)));
        }
        match free.get(preferred(order.id, free.len())) {
            Some(bay_id) => Ok(Bay::Taken(BayAllocation {
                bay_id: *bay_id,
                from: span.from,
                until: span.until,
            })),
            None if self.override_bay => Ok(Bay::Overbooked(staying)),
            None => Err(read::refuse(Refusal::BayClash, order, self.scope)
                .with("from", span.from)
                .with("until", span.until)
                .into()),
        }
    }
}

/// Index of the free bay an order takes, derived from its id: of many orders accepted at once each
/// tries another bay, and a repeated run of one order the same bay.
fn preferred(id: OrderId, free: usize) -> usize {
    let random = id.0.as_u64_pair().1;
    usize::try_from(random % u64::try_from(free.max(1)).unwrap_or(1)).unwrap_or_default()
}

/// The bay allocation of an accepted quick order.
enum Bay {
    Taken(BayAllocation),
    /// Overbooked on purpose; these cars still occupy the bays it could take.
    Overbooked(Vec<Model>),
    /// The branch has no bays.
    Unmanaged,
}

/// Is the offer still open? The grace period is not shown to anybody (QO-2, BK-3, ORD-5).
pub(super) fn in_time(order: &Model, keys: &Policy, now: Instant) -> bool {
    timers::offer_end(order, keys).is_some_and(|end| now <= end)
}

fn accepted(order: &Model, to: OrderStatus, now: Instant) -> Model {
    let route = TimeDelta::seconds(order.snapshot.route_secs);
    let buffer = TimeDelta::seconds(order.snapshot.buffer_secs);
    let next = Model { status: to, accepted_at: Some(now), ..order.clone() };
    match order.kind {
        OrderKind::Quick => Model {
            arrival_deadline: Some(now + route + buffer),
            eta_at: Some(now + route),
            ..next
        },
        OrderKind::Booking => Model { scheduled_at: Some(now), ..next },
    }
}
