//! Moving a booking: one side proposes a start, the new slot is held, the other side agrees and the
//! old slot is released (BK-8).

use chrono::TimeDelta;
use entity::order::{Actor, Model, Proposal, Proposed};
use entity::partner::PartnerState;
use entity::value::{Instant, OrderId, ProposalId, Span};
use serde_json::json;

use super::cancel::cost;
use super::machine::Intent;
use super::proposal::{self, ProposalAnswer};
use super::read::{self, OrderScope};
use super::request::{self, Clash};
use super::slot::{Chosen, SlotRequest};
use super::view::{OrderView, view};
use super::write::{self, Step};
use super::{Refusal, auto, late, price, timers};
use crate::partners;
use crate::partners::plan::{self, Need};
use crate::platform::{Command, CommandError, Tx};
use crate::policy::{self, Policy};

/// Proposes another start.
pub struct ProposeReschedule {
    /// The proposing side: the client, or the branch.
    pub scope: OrderScope,
    /// The order.
    pub order_id: OrderId,
    /// The new start.
    pub starts_at: Instant,
}

impl Command for ProposeReschedule {
    type Answer = OrderView;
    const NAME: &'static str = "propose_reschedule";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let intent = Intent::ProposeReschedule;
        let (order, _) = read::ask(tx, self.scope, self.order_id, intent).await?;
        let refuse = |refusal| read::refuse(refusal, &order, self.scope);
        proposal::may_propose(&order).map_err(refuse)?;
        late::still_awaited(tx, &order, self.scope)?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let expires_at = self.until(&order, &keys, tx.now()).map_err(refuse)?;
        let (partner, plan) = plan::of(tx, order.partner_id).await?;
        if !partners::read::taking(&partner) {
            return Err(refuse(Refusal::PartnerNotTaking).into());
        }
        tx.check(&partner);
        let bay_kind = order.snapshot.bay_kind.clone();
        let need = Need { visit: price::visit(&order.snapshot.lines), bay_kind };
        let (moving, car) = (Some(order.id), order.car_id);
        let wanted = SlotRequest { plan: &plan, need: &need, car, policy: &keys, moving };
        let chosen = wanted.choose(tx, order.partner_id, self.starts_at).await?;
        let span = Span { from: chosen.place.from, until: chosen.place.until };
        let by_client = self.scope.actor() == Actor::Client;
        let overlaps = Clash::of_order(&order, by_client).overlaps(tx, span).await?;
        // A move is late if cancelling at this time would have a fee.
        let late = by_client && cost(tx, &order).await?.amount.is_positive();
        let proposal = Proposal {
            id: ProposalId::new(),
            by: self.scope.actor(),
            at: tx.now(),
            expires_at,
            what: Proposed::Reschedule {
                starts_at: chosen.starts_at,
                ends_at: chosen.ends_at,
                place: chosen.place,
                late,
            },
        };
        let next = Model { proposal: Some(proposal), ..order.clone() };
        let agrees = auto::agrees(&partner, &plan.calendar, &next);
        let step = Step::new(intent, "order.reschedule_proposed", next);
        let order = write::step(tx, &order, step)?;
        if agrees {
            write::arm_now(tx, &order, timers::AUTO_AGREE);
        }
        let warnings = request::warnings(overlaps && by_client);
        Ok(OrderView { warnings, ..view(&order, self.scope.reader()) })
    }
}

impl ProposeReschedule {
    /// The deadline for the answer, if the booking may be moved at all.
    fn until(&self, order: &Model, keys: &Policy, now: Instant) -> Result<Instant, Refusal> {
        if order.arrived_at.is_some() {
            return Err(Refusal::AlreadyArrived);
        }
        if order.reschedules >= keys.booking.max_reschedules {
            return Err(Refusal::TooManyMoves);
        }
        if order.starts_at == Some(self.starts_at) {
            return Err(Refusal::SameStart);
        }
        let before = TimeDelta::minutes(keys.booking.reschedule_before_start_min);
        let ttl = now + TimeDelta::minutes(keys.booking.reschedule_ttl_min);
        let nearest = order.starts_at.map_or(self.starts_at, |start| start.min(self.starts_at));
        let until = ttl.min(nearest - before);
        if order.starts_at.is_some_and(|start| now > start - before) {
            return Err(Refusal::TooLateToMove);
        }
        // A new start that is too near is refused by the slot's own code.
        Ok(until.max(now))
    }
}

/// Accepts a move: the order takes the new slot, the old one is released.
pub struct AcceptReschedule(pub ProposalAnswer);

impl Command for AcceptReschedule {
    type Answer = OrderView;
    const NAME: &'static str = "accept_reschedule";

    async fn run(&self, tx: &mut Tx) -> Result<OrderView, CommandError> {
        let ProposalAnswer { scope, order_id, proposal_id, seen } = self.0;
        let intent = Intent::AcceptReschedule;
        let (order, to) = read::ask(tx, scope, order_id, intent).await?;
        read::fresh(tx, &order, seen, scope).await?;
        let refuse = |refusal| read::refuse(refusal, &order, scope);
        let proposal = proposal::pending(&order, proposal_id, tx).map_err(refuse)?;
        proposal::other_side(&proposal, scope.actor()).map_err(refuse)?;
        if order.arrived_at.is_some() {
            return Err(refuse(Refusal::AlreadyArrived).into());
        }
        let Proposed::Reschedule { starts_at, ends_at, place, late } = proposal.what else {
            return Err(refuse(Refusal::NoSuchProposal).into());
        };
        let (partner, _) = plan::of(tx, order.partner_id).await?;
        if partner.state != PartnerState::Live {
            // A move into the time of a block is refused (SAN-4).
            return Err(refuse(Refusal::PartnerNotTaking).into());
        }
        tx.check(&partner);
        let span = Span { from: place.from, until: place.until };
        let by_client = scope.actor() == Actor::Client;
        let overlaps = by_client && Clash::of_order(&order, true).overlaps(tx, span).await?;
        let keys = policy::registry::at_version(tx, order.policy_version)?;
        let chosen = Chosen { starts_at, ends_at, place };
        let next = Model {
            status: to,
            departed_at: None,
            eta_at: None,
            scheduled_at: Some(tx.now()),
            // Extensions applied to the old start.
            extensions: 0,
            reschedules: order.reschedules + 1,
            moved_late: order.moved_late || late,
            proposal: None,
            ..request::scheduled(order.clone(), &chosen, &keys)
        };
        let note = json!({"from": order.starts_at, "to": starts_at, "late": late});
        let step = Step { note, ..Step::new(intent, "order.rescheduled", next) };
        let order = write::step(tx, &order, step)?;
        Ok(OrderView { warnings: request::warnings(overlaps), ..view(&order, scope.reader()) })
    }
}
