//! Accepting an order: holds the commission, starts the client's time (QO-3, QO-4, BK-3).

use chrono::TimeDelta;
use entity::kinds::{CommandName, EventKind};
use entity::order::{BayAllocation, Model, OrderKind};
use entity::partner::PartnerState;
use entity::value::{Actor, Instant, OrderId, Span};
use serde_json::json;

use super::overrun;
use crate::context::{Context, Tx};
use crate::orders::decision::{MoneyMove, Step, Window};
use crate::orders::machine::{self, Intent};
use crate::orders::read::{self, OrderScope};
use crate::orders::view::OrderView;
use crate::orders::{Refusal, price, timers, write};
use crate::partners::capacity::availability::{NOBODY, free_bays};
use crate::partners::capacity::plan::{self, Plan};
use crate::policy::{self, Policy};
use platform::{Command, CommandError};

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

impl Command<Context> for Accept {
    type Answer = OrderView;
    const NAME: CommandName = CommandName::Accept;

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let order = read::ask(tx, self.scope, self.order_id, Intent::Accept).await?;
        read::fresh(tx, &order, self.seen, self.scope).await?;
        let order = accept(tx, self.scope, order, self.override_bay).await?;
        read::shown(tx, &order, self.scope)
    }
}

/// Confirms a booking automatically (BK-4). If the balance floor refuses, it stays requested.
pub struct AutoConfirmBooking {
    /// The order.
    pub order_id: OrderId,
}

impl Command<Context> for AutoConfirmBooking {
    type Answer = ();
    const NAME: CommandName = CommandName::AutoConfirm;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let scope = OrderScope::Clock;
        let order = read::ask(tx, scope, self.order_id, Intent::AutoConfirm).await?;
        accept(tx, scope, order, false).await?;
        Ok(())
    }
}

/// An acceptance, by the partner or on its behalf.
async fn accept(
    tx: &mut Tx,
    scope: OrderScope,
    order: Model,
    override_bay: bool,
) -> Result<Model, CommandError> {
    let keys = policy::registry::at_version(tx, order.policy_version)?;
    let books_hold = tx.context().standing.holds();
    let (partner, plan) = plan::of(tx, order.partner_id).await?;
    let live = partner.state == PartnerState::Live;
    let bay = free_bay(tx, &plan, &order, &keys).await?;
    let facts = AcceptFacts { by: scope.actor(), books_hold, live, bay, override_bay };
    let step = Accept::decide(&order, &facts, &keys, tx.now()).map_err(|refusal| {
        let mut refused = refusal.refused();
        if let (FreeBay::Clash { span, .. }, Refusal::BayClash) = (&facts.bay, refusal) {
            refused = refused.with("from", span.from).with("until", span.until);
        }
        read::refuse(tx, refused, &order, scope)
    })?;
    let order = write::step(tx, &order, step).await?;
    if let (FreeBay::Clash { staying: Some(inside), .. }, true) = (&facts.bay, order.overbooked) {
        overrun::warn_of(tx, inside, &order)?;
    }
    Ok(order)
}

/// What an acceptance depends on beside the order.
pub(in crate::orders) struct AcceptFacts {
    /// The staff, or the scheduler for the branch.
    pub by: Actor,
    /// Whether the last proof of the books succeeded.
    pub books_hold: bool,
    /// Whether the branch is live.
    pub live: bool,
    /// The bay of a quick order.
    pub bay: FreeBay,
    /// Whether to take it although no bay is free (BK-10).
    pub override_bay: bool,
}

impl AcceptFacts {
    /// A live branch with a free bay, and books that prove right.
    pub(in crate::orders) fn favourable() -> Self {
        let by = Actor::Staff;
        Self { by, books_hold: true, live: true, bay: FreeBay::Unmanaged, override_bay: false }
    }
}

/// The bay of an accepted quick order.
pub(in crate::orders) enum FreeBay {
    /// This one.
    Free(BayAllocation),
    /// None is free in this span.
    Clash {
        /// The span.
        span: Span,
        /// A car that still occupies a bay it could take.
        staying: Option<Box<Model>>,
    },
    /// The branch has no bays, or the order has its bay already.
    Unmanaged,
}

impl Accept {
    /// The offer is open, the books are right, the branch is live, and a bay is free or overbooked
    /// on purpose.
    pub(in crate::orders) fn decide(
        order: &Model,
        facts: &AcceptFacts,
        policy: &Policy,
        now: Instant,
    ) -> Result<Step, Refusal> {
        let intent = match facts.by {
            Actor::Clock => Intent::AutoConfirm,
            Actor::Client | Actor::Staff | Actor::Support => Intent::Accept,
        };
        let status = machine::next(order, intent, facts.by)?;
        if !in_time(order, policy, now) {
            return Err(Refusal::OfferExpired);
        }
        if !facts.books_hold {
            return Err(Refusal::BooksWrong);
        }
        if !facts.live {
            return Err(Refusal::PartnerNotTaking);
        }
        let mut next = Model { status, accepted_at: Some(now), ..order.clone() };
        match order.kind {
            OrderKind::Quick => {
                let eta = eta(order, now);
                let buffer = TimeDelta::seconds(order.snapshot.buffer_secs);
                next.eta_at = Some(eta);
                next.arrival_deadline = Some(eta + buffer);
            }
            OrderKind::Booking => next.scheduled_at = Some(now),
        }
        match &facts.bay {
            FreeBay::Free(place) => {
                next.bay_id = Some(place.bay_id);
                next.taken_from = Some(place.from);
                next.taken_until = Some(place.until);
            }
            FreeBay::Clash { .. } if facts.override_bay => next.overbooked = true,
            FreeBay::Clash { .. } => return Err(Refusal::BayClash),
            FreeBay::Unmanaged => {}
        }
        Ok(Step {
            note: json!({"overbooked": next.overbooked}),
            money: MoneyMove::Hold,
            ..Step::new(intent, EventKind::OrderConfirmed, next)
        })
    }

    /// The time to answer an offer, as shown.
    pub(in crate::orders) fn window(order: &Model) -> Window {
        Window::until(order.offer_deadline)
    }
}

/// The estimated arrival of a quick order accepted now.
fn eta(order: &Model, now: Instant) -> Instant {
    now + TimeDelta::seconds(order.snapshot.route_secs)
}

/// The bay of a quick order, from its estimated arrival. A car that overstays in a bay also
/// occupies it, for as long as the bay's hold is extended for it (BK-10).
async fn free_bay(
    tx: &Tx,
    plan: &Plan,
    order: &Model,
    policy: &Policy,
) -> Result<FreeBay, CommandError> {
    if order.kind != OrderKind::Quick || !plan.keeps_bays {
        return Ok(FreeBay::Unmanaged);
    }
    let span = price::visit(&order.snapshot.lines).occupying(eta(order, tx.now()));
    let bays = plan.bays_for(order.snapshot.bay_kind.as_deref());
    let mut free = free_bays(tx.db(), order.partner_id, &bays, span, NOBODY).await?;
    let held_on = tx.now() + TimeDelta::minutes(policy.booking.overrun_hold_min);
    let mut staying = Vec::new();
    if free.is_empty() || span.from < held_on {
        staying = overrun::staying(tx, order.partner_id, &bays).await?;
    }
    if span.from < held_on {
        free.retain(|bay| staying.iter().all(|inside| inside.bay_id != Some(*bay)));
    }
    Ok(match free.get(preferred(order.id, free.len())) {
        Some(bay_id) => {
            FreeBay::Free(BayAllocation { bay_id: *bay_id, from: span.from, until: span.until })
        }
        None => FreeBay::Clash { span, staying: staying.into_iter().next().map(Box::new) },
    })
}

/// Index of the free bay an order takes, derived from its id: of many orders accepted at once each
/// tries another bay, and a repeated run of one order the same bay.
fn preferred(id: OrderId, free: usize) -> usize {
    let random = id.0.as_u64_pair().1;
    usize::try_from(random % u64::try_from(free.max(1)).unwrap_or(1)).unwrap_or_default()
}

/// Is the offer still open? The grace period is not shown to anybody (QO-2, BK-3, ORD-5).
pub(in crate::orders) fn in_time(order: &Model, keys: &Policy, now: Instant) -> bool {
    timers::offer_end(order, keys).is_some_and(|end| now <= end)
}
